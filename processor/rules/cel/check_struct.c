#include "rules/cel/check_struct.h"

static const struct cel_type nullable_bool = {.kind = CEL_BOOL, .nullable = true},
                             nullable_int = {.kind = CEL_INT, .nullable = true},
                             nullable_uint = {.kind = CEL_UINT, .nullable = true},
                             nullable_double = {.kind = CEL_DOUBLE, .nullable = true},
                             nullable_string = {.kind = CEL_STRING, .nullable = true},
                             nullable_bytes = {.kind = CEL_BYTES, .nullable = true};

static const struct box {
    const char *name;
    const struct cel_type *type;
} boxes[] = {
    {"google.protobuf.BoolValue", &nullable_bool},     {"google.protobuf.Int32Value", &nullable_int},
    {"google.protobuf.Int64Value", &nullable_int},     {"google.protobuf.UInt32Value", &nullable_uint},
    {"google.protobuf.UInt64Value", &nullable_uint},   {"google.protobuf.FloatValue", &nullable_double},
    {"google.protobuf.DoubleValue", &nullable_double}, {"google.protobuf.StringValue", &nullable_string},
    {"google.protobuf.BytesValue", &nullable_bytes},
};

static const char *mean_constant(struct cel_node *node, struct cel_value value, const struct cel_type *type)
{
    node->meaning = CEL_MEANS_CONSTANT;
    node->value = value;
    node->type = type;
    return NULL;
}

static const char *check_box(struct cel_node *node, const struct box *box)
{
    if (node->count == 0)
        return mean_constant(node, (struct cel_value){.kind = (uint8_t)box->type->kind}, box->type);
    if (node->count > 1 || !text_equal(node->names[0], TEXT("value")))
        return "a box has one field, value";
    if (!cel_types_agree(node->children[0]->type, box->type))
        return "a box of another type";
    node->meaning = CEL_MEANS_CHILD;
    node->type = box->type;
    return NULL;
}

const char *cel_check_boxed(struct cel_node *node)
{
    if (text_equal(node->name, TEXT("google.protobuf.Value")) && node->count == 0)
        return mean_constant(node, cel_null(), &cel_type_null);
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        if (text_equal(node->name, text_of(boxes[i].name)))
            return check_box(node, &boxes[i]);
    return "structs are given by events; none can be made here";
}
