package points.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;

import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/** Order in, reward out; the stores are the partition's. */
final class Earn implements Processor<String, byte[], String, byte[]> {
    private static final int HEAD = 10;
    private static final byte[] PRESENT = new byte[0];

    private final Schema rewardSchema;
    private final byte[] head;
    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    private final Object granted;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;
    private GenericRecord order;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> seen;
    private KeyValueStore<String, Long> balances;

    Earn(Schema orderSchema, Schema rewardSchema) {
        this.rewardSchema = rewardSchema;
        reader = new GenericDatumReader<>(orderSchema);
        writer = new GenericDatumWriter<>(rewardSchema);
        granted = new GenericData.EnumSymbol(rewardSchema.getField("type").schema(), "points_granted");
        head = singleObjectHead(rewardSchema);
    }

    private static byte[] singleObjectHead(Schema schema) {
        byte[] head = new byte[HEAD];
        long fingerprint = SchemaNormalization.parsingFingerprint64(schema);
        head[0] = (byte) 0xc3;
        head[1] = 1;
        for (int i = 0; i < 8; i++) {
            head[2 + i] = (byte) (fingerprint >>> (8 * i));
        }
        return head;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
        this.context = context;
        seen = context.getStateStore(OrderRewards.SEEN);
        balances = context.getStateStore(OrderRewards.BALANCES);
    }

    @Override
    public void process(Record<String, byte[]> record) {
        GenericRecord order = decode(record.value());
        String source = order.get("source").toString();
        String id = order.get("id").toString();
        if (seen.putIfAbsent(source + " " + id, PRESENT) != null) {
            return;
        }
        if (!order.get("kind").toString().equals("paid")) {
            return;
        }
        long points = minorUnits(order) / 100;
        if (points == 0) {
            return;
        }
        String member = order.get("member_id").toString();
        Long before = balances.get(member);
        long after = Math.addExact(before == null ? 0 : before, points);
        balances.put(member, after);
        RecordMetadata from = context.recordMetadata().orElseThrow();
        String output = "1-" + from.partition() + "-" + from.offset() + "-0";
        context.forward(record.withKey(member).withValue(encode(order, source, id, output, points, after))
            .withHeaders(headers(order, output, member)));
    }

    private GenericRecord decode(byte[] value) {
        try {
            decoder = DecoderFactory.get().binaryDecoder(value, HEAD, value.length - HEAD, decoder);
            order = reader.read(order, decoder);
            return order;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long minorUnits(GenericRecord order) {
        long sum = -(long) order.get("discount");
        for (Object item : (Iterable<?>) order.get("lines")) {
            GenericRecord line = (GenericRecord) item;
            long price = Math.multiplyExact((long) line.get("quantity"), (long) line.get("unit_price"));
            sum = Math.addExact(sum, price - (long) line.get("discount"));
        }
        return sum;
    }

    private byte[] encode(GenericRecord order, String source, String id, String output, long points, long balance) {
        GenericRecord reward = new GenericData.Record(rewardSchema);
        String orderId = order.get("order_id").toString();
        reward.put("id", output);
        reward.put("type", granted);
        reward.put("program_id", order.get("program_id"));
        reward.put("partner_id", order.get("partner_id"));
        reward.put("member_id", order.get("member_id"));
        reward.put("occurred_at", order.get("occurred_at"));
        reward.put("amount", points);
        reward.put("currency", "points");
        reward.put("balance_after", balance);
        reward.put("lifetime_after", balance);
        reward.put("rule_id", "order-points");
        reward.put("program_version", 1L);
        reward.put("subject", orderId);
        reward.put("benefit", "");
        reward.put("reason", points + " points for order " + orderId);
        reward.put("event_source", source);
        reward.put("event_id", id);
        try {
            bytes.reset();
            bytes.write(head, 0, HEAD);
            encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
            writer.write(reward, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** CloudEvents in binary mode, as the processor's rewards have them. */
    private static RecordHeaders headers(GenericRecord order, String output, String member) {
        long us = (long) order.get("occurred_at");
        RecordHeaders headers = new RecordHeaders();
        headers.add("ce_specversion", "1.0".getBytes(UTF_8));
        headers.add("ce_id", output.getBytes(UTF_8));
        headers.add("ce_source", ("/points/" + order.get("program_id")).getBytes(UTF_8));
        headers.add("ce_type", "points.granted".getBytes(UTF_8));
        headers.add("ce_time", Instant.ofEpochSecond(us / 1_000_000, us % 1_000_000 * 1000).toString().getBytes(UTF_8));
        headers.add("ce_subject", member.getBytes(UTF_8));
        headers.add("content-type", "application/avro".getBytes(UTF_8));
        return headers;
    }
}
