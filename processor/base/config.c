#include "base/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

extern char **environ;

enum setting_type { SETTING_TEXT, SETTING_CHOICE, SETTING_NUMBER };

struct setting {
    enum setting_type type;
    const char *name;
    const char *help;
    size_t offset;        /* in struct config */
    const char *standard; /* of texts and choices */
    const char *choices;  /* "a | b" */
    int64_t number;       /* the default of numbers */
    int64_t least;
    int64_t most;
};

static const struct setting settings[] = {
#define X(field, name, standard, help)                                                                                 \
    {SETTING_TEXT, name, help, offsetof(struct config, field), standard, NULL, 0, 0, 0},
    SETTINGS_TEXT(X)
#undef X
#define X(field, name, standard, choices, help)                                                                        \
    {SETTING_CHOICE, name, help, offsetof(struct config, field), standard, choices, 0, 0, 0},
        SETTINGS_CHOICE(X)
#undef X
#define X(field, name, standard, least, most, help)                                                                    \
    {SETTING_NUMBER, name, help, offsetof(struct config, field), NULL, NULL, standard, least, most},
            SETTINGS_NUMBER(X)
#undef X
};

enum {
    SETTING_COUNT = sizeof settings / sizeof settings[0],
    NAME_SIZE = sizeof((struct config_setting *)0)->environment
};

/* One reading of file and environment. */
struct loader {
    struct config *config;
    config_report *report;
    void *context;
    const char *file;
    int line;
    int errors;
    int set_at[SETTING_COUNT]; /* the line that set it; 0: none so far */
};

static void complain(struct loader *loader, int column, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void complain(struct loader *loader, int column, const char *format, ...)
{
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    loader->errors++;
    loader->report(loader->context, loader->file, loader->line, column, message);
}

static char *copy_text(const char *at, size_t len)
{
    char *copy = strndup(at, len);
    if (!copy)
        abort();
    return copy;
}

static char **text_field(struct config *config, const struct setting *setting)
{
    assert(setting->type != SETTING_NUMBER);
    return (char **)((char *)config + setting->offset);
}

static int64_t *number_field(struct config *config, const struct setting *setting)
{
    assert(setting->type == SETTING_NUMBER);
    return (int64_t *)((char *)config + setting->offset);
}

static void set_standards(struct config *config)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (settings[i].type == SETTING_NUMBER)
            *number_field(config, &settings[i]) = settings[i].number;
        else
            *text_field(config, &settings[i]) = copy_text(settings[i].standard, strlen(settings[i].standard));
    }
}

/* True where value is one of choices, "a | b | c". */
static bool is_choice(const char *choices, struct text value)
{
    for (const char *at = choices; *at;) {
        size_t len = strcspn(at, " |");
        if (text_equal((struct text){at, len}, value))
            return true;
        at += len;
        at += strspn(at, " |");
    }
    return false;
}

/* A whole number in decimal digits, nothing else. */
static bool parse_number(struct text value, int64_t *out)
{
    int64_t number = 0;
    if (value.len == 0)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!isdigit((unsigned char)value.at[i]) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, value.at[i] - '0', &number))
            return false;
    }
    *out = number;
    return true;
}

static void set_number(struct loader *loader, const struct setting *setting, struct text value, int column)
{
    int64_t number;
    if (!parse_number(value, &number) || number < setting->least || number > setting->most) {
        complain(loader, column, "%s is %.*s; it must be a whole number from %lld to %lld", setting->name,
                 (int)(value.len < 80 ? value.len : 80), value.at, (long long)setting->least, (long long)setting->most);
        return;
    }
    *number_field(loader->config, setting) = number;
}

static void set_text(struct loader *loader, const struct setting *setting, struct text value, int column)
{
    if (value.len && (value.at[0] == '"' || value.at[0] == '\'')) {
        complain(loader, column, "%s: values are written without quotes", setting->name);
        return;
    }
    if (setting->type == SETTING_CHOICE && !is_choice(setting->choices, value)) {
        complain(loader, column, "%s is %.*s; it must be one of: %s", setting->name,
                 (int)(value.len < 80 ? value.len : 80), value.at, setting->choices);
        return;
    }
    char **field = text_field(loader->config, setting);
    free(*field);
    *field = copy_text(value.at, value.len);
}

static void set_value(struct loader *loader, const struct setting *setting, struct text value, int column)
{
    if (setting->type == SETTING_NUMBER)
        set_number(loader, setting, value, column);
    else
        set_text(loader, setting, value, column);
}

static const struct setting *find_setting(struct text name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (text_equal(text_of(settings[i].name), name))
            return &settings[i];
    return NULL;
}

static void unknown_setting(struct loader *loader, struct text name)
{
    const char *names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++)
        names[i] = settings[i].name;
    const char *hint = nearest_name(name, names, SETTING_COUNT);
    int len = (int)(name.len < 80 ? name.len : 80);
    if (hint)
        complain(loader, 1, "unknown setting %.*s; did you mean %s?", len, name.at, hint);
    else
        complain(loader, 1, "unknown setting %.*s; `points help settings` lists all", len, name.at);
}

static struct text trim(struct text text)
{
    while (text.len && isspace((unsigned char)text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len && isspace((unsigned char)text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Cuts a comment: from a # that begins the line or follows a blank. */
static struct text without_comment(struct text line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] == '#' && (i == 0 || isspace((unsigned char)line.at[i - 1])))
            return (struct text){line.at, i};
    return line;
}

static void read_line(struct loader *loader, struct text raw)
{
    struct text line = trim(without_comment(raw));
    if (line.len == 0)
        return;
    if (memchr(line.at, 0, line.len)) {
        complain(loader, 1, "the line holds a NUL byte; this is no configuration file");
        return;
    }
    const char *equals = memchr(line.at, '=', line.len);
    if (!equals) {
        complain(loader, 1, "expected `name = value`, found: %.*s", (int)(line.len < 80 ? line.len : 80), line.at);
        return;
    }
    struct text name = trim((struct text){line.at, (size_t)(equals - line.at)});
    struct text value = trim((struct text){equals + 1, (size_t)(line.at + line.len - equals - 1)});
    const struct setting *setting = find_setting(name);
    if (!setting) {
        unknown_setting(loader, name);
        return;
    }
    int *set_at = &loader->set_at[setting - settings];
    if (*set_at)
        complain(loader, 1, "%s is set a second time; line %d set it first", setting->name, *set_at);
    else
        set_value(loader, setting, value, (int)((value.len ? value.at : equals) - raw.at) + 1);
    *set_at = *set_at ? *set_at : loader->line;
}

static void read_lines(struct loader *loader, const char *path)
{
    loader->file = path;
    FILE *file = fopen(path, "re");
    if (!file) {
        complain(loader, 0, "cannot open: %s", strerror(errno));
        return;
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, file)) >= 0) {
        loader->line++;
        read_line(loader, (struct text){line, (size_t)len});
    }
    if (ferror(file))
        complain(loader, 0, "cannot read: %s", strerror(errno));
    free(line);
    fclose(file);
}

/* kafka.brokers -> POINTS_KAFKA_BROKERS */
static void environment_name(const struct setting *setting, char out[NAME_SIZE])
{
    size_t len = (size_t)snprintf(out, NAME_SIZE, "POINTS_%s", setting->name);
    assert(len < NAME_SIZE);
    for (char *at = out; *at; at++)
        *at = *at == '.' ? '_' : (char)toupper((unsigned char)*at);
}

static void unknown_variable(struct loader *loader, struct text name)
{
    char texts[SETTING_COUNT][NAME_SIZE];
    const char *names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        environment_name(&settings[i], texts[i]);
        names[i] = texts[i];
    }
    const char *hint = nearest_name(name, names, SETTING_COUNT);
    int len = (int)(name.len < 80 ? name.len : 80);
    complain(loader, 0, "unknown variable %.*s; %s%s%s", len, name.at, hint ? "did you mean " : "",
             hint ? hint : "`points help environment` lists all", hint ? "?" : "");
}

static void read_variable(struct loader *loader, struct text name, struct text value)
{
    if (text_equal(name, TEXT("POINTS_CONFIG")))
        return;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char own[NAME_SIZE];
        environment_name(&settings[i], own);
        if (text_equal(text_of(own), name)) {
            set_value(loader, &settings[i], trim(value), 0);
            return;
        }
    }
    unknown_variable(loader, name);
}

static void read_environment(struct loader *loader)
{
    loader->file = "environment";
    loader->line = 0;
    for (char **variable = environ; *variable; variable++) {
        const char *equals = strchr(*variable, '=');
        if (!equals || strncmp(*variable, "POINTS_", 7) != 0)
            continue;
        read_variable(loader, (struct text){*variable, (size_t)(equals - *variable)}, text_of(equals + 1));
    }
}

static bool list_holds(const char *list, const char *name)
{
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        if (text_equal(trim((struct text){at, len}), text_of(name)))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

/* A topic read and written would feed the processor its own outputs, for ever. */
static void check_topics(struct loader *loader)
{
    const struct config *config = loader->config;
    const char *outputs[] = {config->kafka_rewards_topic, config->kafka_dead_letter_topic};
    for (int i = 0; i < 2; i++) {
        if (!outputs[i][0])
            complain(loader, 0, "kafka.rewards_topic and kafka.dead_letter_topic must not be empty");
        else if (list_holds(config->kafka_topics, outputs[i]))
            complain(loader, 0, "%s is among kafka.topics, and outputs go there too; name another", outputs[i]);
    }
    if (strcmp(outputs[0], outputs[1]) == 0)
        complain(loader, 0, "kafka.rewards_topic and kafka.dead_letter_topic must not be the same");
}

/* What no single row of the table can say. */
static void check_whole(struct loader *loader)
{
    const struct config *config = loader->config;
    loader->file = "configuration";
    loader->line = 0;
    if (!config->instance[0] || !config->kafka_group[0] || !config->kafka_brokers[0] || !config->kafka_topics[0])
        complain(loader, 0, "instance, kafka.group, kafka.brokers and kafka.topics must not be empty");
    if (strcmp(config->instance, "audit") == 0)
        complain(loader, 0, "instance must not be audit: `points audit --repair` publishes under that name");
    check_topics(loader);
    if (strcmp(config->rewards_format, "confluent") == 0 && !config->registry_url[0])
        complain(loader, 0, "rewards.format = confluent needs registry.url");
    if (config->kafka_session_timeout_ms > config->kafka_max_poll_interval_ms)
        complain(loader, 0, "kafka.session_timeout_ms (%lld) must not be above kafka.max_poll_interval_ms (%lld)",
                 (long long)config->kafka_session_timeout_ms, (long long)config->kafka_max_poll_interval_ms);
}

enum err_code config_load_reporting(const char *path, struct config *out, config_report *report, void *context)
{
    struct config config;
    struct loader loader = {.config = &config, .report = report, .context = context};
    set_standards(&config);
    if (path)
        read_lines(&loader, path);
    read_environment(&loader);
    if (!loader.errors)
        check_whole(&loader);
    if (loader.errors) {
        config_release(&config);
        return ERR_CONFIG;
    }
    *out = config;
    return ERR_NONE;
}

/* Keeps the first error only. */
static void keep_first(void *context, const char *file, int line, int column, const char *message)
{
    struct err *err = context;
    if (err->code != ERR_NONE)
        return;
    if (line)
        err_set(err, ERR_CONFIG, "%s:%d:%d: %s", file, line, column, message);
    else
        err_set(err, ERR_CONFIG, "%s: %s", file, message);
}

enum err_code config_load(const char *path, struct config *out, struct err *err)
{
    struct err first = {.code = ERR_NONE};
    enum err_code code = config_load_reporting(path, out, keep_first, &first);
    if (code != ERR_NONE && err)
        *err = first;
    return code;
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (settings[i].type == SETTING_NUMBER)
            continue;
        char **field = text_field(config, &settings[i]);
        free(*field);
        *field = NULL;
    }
}

enum err_code config_secret(const char *path, char **out, struct err *err)
{
    enum { LONGEST_SECRET = 4096 };
    if (!path || !path[0]) {
        *out = NULL;
        return ERR_NONE;
    }
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "%s: cannot open: %s", path, strerror(errno));
    char secret[LONGEST_SECRET + 1];
    size_t len = fread(secret, 1, sizeof secret, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return err_set(err, ERR_CONFIG, "%s: cannot read it", path);
    if (len > LONGEST_SECRET)
        return err_set(err, ERR_CONFIG, "%s: longer than %d bytes; this is no secret", path, LONGEST_SECRET);
    if (len && secret[len - 1] == '\n')
        len--;
    if (len && secret[len - 1] == '\r')
        len--;
    if (memchr(secret, 0, len) || len == 0)
        return err_set(err, ERR_CONFIG, "%s: %s", path, len ? "holds a NUL byte" : "is empty");
    *out = copy_text(secret, len);
    explicit_bzero(secret, sizeof secret);
    return ERR_NONE;
}

static void describe(const struct setting *setting, struct config_setting *out)
{
    *out = (struct config_setting){.name = setting->name, .help = setting->help};
    environment_name(setting, out->environment);
    if (setting->type == SETTING_NUMBER) {
        snprintf(out->standard, sizeof out->standard, "%lld", (long long)setting->number);
        snprintf(out->allowed, sizeof out->allowed, "%lld to %lld", (long long)setting->least,
                 (long long)setting->most);
        return;
    }
    snprintf(out->standard, sizeof out->standard, "%s", setting->standard);
    snprintf(out->allowed, sizeof out->allowed, "%s", setting->type == SETTING_CHOICE ? setting->choices : "text");
}

void config_each(config_visit *visit, void *context)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct config_setting setting;
        describe(&settings[i], &setting);
        visit(context, &setting);
    }
}
