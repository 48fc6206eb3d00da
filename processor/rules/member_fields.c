#include "rules/member_fields.h"

static const struct member_event *known(const void *object)
{
    struct member_view *view = (struct member_view *)(uintptr_t)object;
    if (!view->opened)
        profile_at(view->state, view->at, view->scratch, &view->known);
    view->opened = true;
    return &view->known;
}

static const struct zone *zone_named(const struct program *program, struct text name)
{
    return name.len > 0 ? zones_find(program->zones, name) : NULL;
}

static void get_text(const void *object, size_t index, struct cel_value *out)
{
    *out = cel_string(((const struct text *)object)[index]);
}

static void get_attribute(const void *object, size_t index, struct cel_value *key, struct cel_value *value)
{
    const struct attribute *attribute = (const struct attribute *)object + index;
    *key = cel_string(attribute->name);
    *value = cel_string(attribute->value);
}

static void zone(const void *object, struct cel_value *out)
{
    const struct program *program = ((const struct member_view *)object)->program;
    struct text name = known(object)->zone;
    *out = cel_string(zone_named(program, name) ? name : program->zone);
}

static void language(const void *object, struct cel_value *out)
{
    *out = cel_string(known(object)->language);
}

static void birthday(const void *object, struct cel_value *out)
{
    *out = cel_string(known(object)->birthday);
}

static void segments(const void *object, struct cel_value *out)
{
    *out = cel_list_view(get_text, known(object)->segments, known(object)->segment_count);
}

static void consent(const void *object, struct cel_value *out)
{
    *out = cel_bool(known(object)->consent);
}

static void chosen_currency(const void *object, struct cel_value *out)
{
    *out = cel_string(known(object)->chosen_currency);
}

static void attributes(const void *object, struct cel_value *out)
{
    *out = cel_map_view(get_attribute, known(object)->attributes, known(object)->attribute_count);
}

static void tier(const void *object, struct cel_value *out)
{
    *out = cel_string(((const struct member_view *)object)->tier);
}

static const struct cel_field fields[] = {
    {"zone", &cel_type_string, PROFILE_NAME_MAX, zone},
    {"language", &cel_type_string, PROFILE_NAME_MAX, language},
    {"birthday", &cel_type_string, PROFILE_NAME_MAX, birthday},
    {"segments", &cel_type_list_string, PROFILE_SEGMENTS_MAX, segments},
    {"consent", &cel_type_bool, 0, consent},
    {"chosen_currency", &cel_type_string, PROFILE_NAME_MAX, chosen_currency},
    {"attributes", &cel_type_map_string, PROFILE_ATTRIBUTES_MAX, attributes},
    {"tier", &cel_type_string, PROFILE_NAME_MAX, tier},
};
static const struct cel_struct member_struct = {"member", fields, sizeof fields / sizeof *fields};
const struct cel_type member_fields_type = {.kind = CEL_OBJECT, .object = &member_struct};

struct cel_value member_fields_value(struct member_view *view)
{
    return cel_object(&member_struct, view);
}

static void program_zone(const void *object, struct cel_value *out)
{
    *out = cel_string(((const struct program *)object)->zone);
}

static const struct cel_field program_fields[] = {{"zone", &cel_type_string, PROFILE_NAME_MAX, program_zone}};
static const struct cel_struct program_struct = {"program", program_fields, 1};
const struct cel_type program_fields_type = {.kind = CEL_OBJECT, .object = &program_struct};

struct cel_value program_fields_value(const struct program *program)
{
    return cel_object(&program_struct, program);
}
