#ifndef POINTS_BENCH_ORDER_BYTES_H
#define POINTS_BENCH_ORDER_BYTES_H

#include "base/buffer.h"

/* Appends the Avro bytes of a paid order of three lines, without a frame, as schemas/avro/order.avsc has it. */
void order_bytes_put(struct buffer *out);

#endif
