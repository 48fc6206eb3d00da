#include "source/kafka_conf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"

/* What delivery rests on. client.id and group.id are settings of ours. */
static const char *const reserved[] = {
    "isolation.level",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "partition.assignment.strategy",
    "transactional.id",
    "enable.idempotence",
    "transaction.timeout.ms",
    "group.id",
    "group.instance.id",
    "retry.backoff.ms",
    "enable.partition.eof",
    "bootstrap.servers",
    "metadata.broker.list",
    "session.timeout.ms",
    "max.poll.interval.ms",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return false;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static enum err_code set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        return err_set(err, ERR_CONFIG, "%s", text);
    return ERR_NONE;
}

static enum err_code set_line(rd_kafka_conf_t *conf, const char *path, int number, char *line, struct err *err)
{
    char *name = trim(line);
    if (*name == '\0' || *name == '#')
        return ERR_NONE;
    char *equals = strchr(name, '=');
    if (!equals)
        return err_set(err, ERR_CONFIG, "%s:%d: expected `property = value`", path, number);
    *equals = '\0';
    name = trim(name);
    if (is_reserved(name))
        return err_set(err, ERR_CONFIG, "%s:%d: %s cannot be set: exactly-once rests on it; remove the line", path,
                       number, name);
    if (set(conf, name, trim(equals + 1), err))
        return err_wrap(err, "%s:%d", path, number);
    return ERR_NONE;
}

static enum err_code set_file(rd_kafka_conf_t *conf, const char *path, struct err *err)
{
    char line[4096];
    if (*path == '\0')
        return ERR_NONE;
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "kafka.properties_file %s: %s", path, strerror(errno));
    enum err_code code = ERR_NONE;
    for (int number = 1; !code && fgets(line, sizeof line, file); number++)
        code = set_line(conf, path, number, line, err);
    fclose(file);
    return code;
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    (void)handle;
    (void)opaque;
    log_event(LOG_WARN, "kafka.error", "code=%s detail=%s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
              log_quote(reason));
}

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle;
    log_event(level <= 4 ? LOG_WARN : LOG_DEBUG, "kafka.client", "facility=%s detail=%s", facility, log_quote(text));
}

rd_kafka_conf_t *kafka_conf(const struct config *config, const char *settings[][2], struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum err_code code = set(conf, "bootstrap.servers", config->kafka_brokers, err);
    if (!code)
        code = set(conf, "client.id", config->instance, err);
    if (!code)
        code = set_file(conf, config->kafka_properties_file, err);
    for (size_t i = 0; !code && settings[i][0]; i++)
        code = set(conf, settings[i][0], settings[i][1], err);
    if (code) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    return conf;
}
