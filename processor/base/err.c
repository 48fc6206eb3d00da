#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Makes what snprintf may have cut in the middle of a character valid UTF-8 again. */
static void drop_broken_tail(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || !((unsigned char)text[start - 1] & 0x80))
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (len - (start - 1) < want)
        text[start - 1] = 0;
}

/* Copies over a temporary, since the arguments may refer to err's own text. */
static void set_text(struct err *err, const char *format, va_list arguments)
{
    char text[sizeof err->text];
    int len = vsnprintf(text, sizeof text, format, arguments);
    assert(len >= 0);
    if ((size_t)len >= sizeof text)
        drop_broken_tail(text);
    memcpy(err->text, text, strlen(text) + 1);
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    assert(code < ERR_CODE_COUNT);
    if (!err)
        return code;
    va_list arguments;
    va_start(arguments, format);
    set_text(err, format, arguments);
    va_end(arguments);
    err->code = code;
    return code;
}

enum err_code err_wrap(struct err *err, const char *format, ...)
{
    assert(err);
    char context[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    assert(len >= 0);
    return err_set(err, err->code, "%s: %s", context, err->text);
}

enum err_class err_class(enum err_code code)
{
    static const enum err_class classes[] = {
#define X(code, class, name) [code] = class,
        ERR_CODES(X)
#undef X
    };
    assert(code < ERR_CODE_COUNT);
    return classes[code];
}

const char *err_name(enum err_code code)
{
    static const char *const names[] = {
#define X(code, class, name) [code] = name,
        ERR_CODES(X)
#undef X
    };
    assert(code < ERR_CODE_COUNT);
    return names[code];
}

int err_exit_status(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return EXIT_OK;
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_CONFIG:
    case ERR_PROGRAM:
        return EXIT_CONFIG;
    case ERR_MIGRATION:
    case ERR_DATABASE:
    case ERR_DATABASE_AWAY:
    case ERR_COMMIT_UNKNOWN:
    case ERR_CONFLICT:
    case ERR_KEYS_EXIST:
    case ERR_REVISION:
    case ERR_OWNER_CHANGED:
        return EXIT_DATABASE;
    case ERR_KAFKA:
    case ERR_KAFKA_FATAL:
        return EXIT_KAFKA;
    case ERR_REDIS:
    case ERR_REGISTRY:
    case ERR_SCHEMA_UNKNOWN:
        return EXIT_SERVICE;
    case ERR_FENCED:
        return EXIT_FENCED;
    case ERR_OFFSET_AHEAD:
    case ERR_OFFSET_MISSING:
    case ERR_OFFSET_UNSIGNED:
    case ERR_TOPIC_RECREATED:
    case ERR_OUTBOX_GAP:
    case ERR_POSITION_REFUSED:
        return EXIT_POSITION;
    case ERR_STOPPED:
        return EXIT_INTERRUPTED;
    case ERR_MEMORY:
    case ERR_BAD_STATE:
        return EXIT_INTERNAL;
    default:
        return EXIT_INPUT; /* a file, or one of the poison codes */
    }
}
