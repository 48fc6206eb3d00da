#ifndef POINTS_PROGRAM_SCHEMA_H
#define POINTS_PROGRAM_SCHEMA_H

#include <jansson.h>

/* The JSON Schema (draft 7) of program files, made of the tables of fields by which they are read. The caller owns it.
 */
json_t *program_schema(void);

#endif
