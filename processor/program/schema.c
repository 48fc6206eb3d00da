#include "program/schema.h"

#include "program/parts.h"

static json_t *schema_of(const struct shape *shape);

/* A scalar of YAML is a text to the reader, whatever it looks like to an editor. */
static json_t *scalar_schema(const char *looks_like, const char *pattern)
{
    json_t *schema = json_pack("{s:[s, s]}", "type", "string", looks_like);
    if (pattern)
        json_object_set_new(schema, "pattern", json_string(pattern));
    return schema;
}

static json_t *text_schema(const struct shape *shape)
{
    json_t *schema = scalar_schema("number", shape->pattern);
    if (shape->example)
        json_object_set_new(schema, "examples", json_pack("[s]", shape->example));
    return schema;
}

static json_t *whole_schema(const struct shape *shape)
{
    json_t *schema = scalar_schema("integer", "^[0-9]+$");
    json_object_set_new(schema, "minimum", json_integer(shape->least));
    json_object_set_new(schema, "maximum", json_integer(shape->most));
    return schema;
}

static json_t *amount_schema(void)
{
    json_t *schema = scalar_schema("number", "^[0-9]+(\\.[0-9]+)?$");
    json_object_set_new(schema, "exclusiveMinimum", json_integer(0));
    return schema;
}

static json_t *choice_schema(const struct shape *shape)
{
    json_t *names = json_array();
    for (size_t i = 0; i < shape->count; i++)
        json_array_append_new(names, json_string(shape->names[i]));
    return json_pack("{s:o}", "enum", names);
}

static void set_bounds(json_t *schema, const struct shape *shape, const char *least, const char *most)
{
    json_object_set_new(schema, least, json_integer(shape->least));
    if (shape->most < INT64_MAX)
        json_object_set_new(schema, most, json_integer(shape->most));
}

static json_t *list_schema(const struct shape *shape)
{
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", schema_of(shape->of));
    set_bounds(schema, shape, "minItems", "maxItems");
    return schema;
}

static json_t *map_schema(const struct shape *shape)
{
    json_t *schema = json_pack("{s:s, s:{s:o}, s:b}", "type", "object", "patternProperties", shape->pattern,
                               schema_of(shape->of), "additionalProperties", 0);
    set_bounds(schema, shape, "minProperties", "maxProperties");
    return schema;
}

static json_t *fields_schema(const struct shape *shape)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        json_t *property = schema_of(field->shape);
        json_object_set_new(property, "description", json_string(field->help));
        json_object_set_new(properties, field->name, property);
        if (field->required)
            json_array_append_new(required, json_string(field->name));
    }
    json_t *schema =
        json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

static json_t *one_schema(const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_TEXT:
        return text_schema(shape);
    case SHAPE_WHOLE:
        return whole_schema(shape);
    case SHAPE_AMOUNT:
        return amount_schema();
    case SHAPE_CHOICE:
        return choice_schema(shape);
    case SHAPE_LIST:
        return list_schema(shape);
    case SHAPE_MAP:
        return map_schema(shape);
    case SHAPE_FIELDS:
        break;
    }
    return fields_schema(shape);
}

static json_t *schema_of(const struct shape *shape)
{
    if (!shape->otherwise)
        return one_schema(shape);
    json_t *forms = json_array();
    for (const struct shape *form = shape; form; form = form->otherwise)
        json_array_append_new(forms, one_schema(form));
    return json_pack("{s:o}", "anyOf", forms);
}

json_t *program_schema(void)
{
    json_t *schema = json_pack("{s:s, s:s}", "$schema", "http://json-schema.org/draft-07/schema#", "title",
                               "A loyalty program of points");
    json_t *root = schema_of(&program_shape);
    json_object_update(schema, root);
    json_decref(root);
    return schema;
}
