#include <curl/curl.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <sodium.h>
#include <yaml.h>

#include "ops/command.h"

static json_t *libraries(void)
{
    int pq = PQlibVersion();
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s}", "librdkafka", rd_kafka_version_str(), "libpq",
                     json_sprintf("%d.%d", pq / 10000, pq % 10000), "hiredis",
                     json_sprintf("%d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH), "libyaml",
                     yaml_get_version_string(), "libcurl", curl->version, "jansson", JANSSON_VERSION, "libsodium",
                     sodium_version_string());
}

static int version(const struct invocation *invocation)
{
    json_t *all = libraries();
    if (invocation->json) {
        json_t *object = json_pack("{s:s, s:o}", "version", POINTS_VERSION, "libraries", all);
        json_dumpf(object, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
        json_decref(object);
        return EXIT_OK;
    }
    fprintf(invocation->out, "points %s\n", POINTS_VERSION);
    const char *name;
    json_t *library;
    json_object_foreach(all, name, library) fprintf(invocation->out, "  %-12s %s\n", name, json_string_value(library));
    json_decref(all);
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the versions of the program and of its libraries",
    .description = "Prints the program's version, then the version of each library that tells it: what a report "
                   "of a problem should begin with.",
    .json = true,
    .examples = {{"points version", "both versions"}, {"points version --json", "the same as one JSON object"}},
    .run = version,
};
