#include "cli.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ops/command.h"

extern char **environ;

void cli_forget_settings(void)
{
    for (char **variable = environ; *variable;) {
        char name[128];
        size_t len = strcspn(*variable, "=");
        snprintf(name, sizeof name, "%.*s", (int)len, *variable);
        if (strncmp(name, "POINTS_", 7) == 0 && len < sizeof name)
            unsetenv(name);
        else
            variable++;
    }
}

static struct cli_result run_words(int argc, char **argv)
{
    struct cli_result result;
    size_t out_size, errors_size;
    FILE *out = open_memstream(&result.out, &out_size);
    FILE *errors = open_memstream(&result.errors, &errors_size);
    result.status = command_main(argc, argv, out, errors);
    fclose(out);
    fclose(errors);
    return result;
}

void cli_release(struct cli_result *result)
{
    free(result->out);
    free(result->errors);
}

struct cli_result cli_run(const char *line)
{
    enum { MOST = 32 };
    char *words[MOST];
    int count = 0;
    char *copy = strdup(line);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " "));) {
        cr_assert_lt(count, MOST);
        words[count++] = word;
    }
    struct cli_result result = run_words(count, words);
    free(copy);
    return result;
}

void cli_expect(const char *line, int status, const char *out_part, const char *errors_part)
{
    struct cli_result result = cli_run(line);
    cr_assert_eq(result.status, status, "%s: status %d\n%s%s", line, result.status, result.out, result.errors);
    cr_assert_not_null(strstr(result.out, out_part), "%s printed:\n%s", line, result.out);
    cr_assert_not_null(strstr(result.errors, errors_part), "%s said:\n%s", line, result.errors);
    cli_release(&result);
}

char *cli_temporary_file(const char *content, char path[64])
{
    snprintf(path, 64, "/tmp/points-cli-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    FILE *file = fdopen(fd, "w");
    fputs(content, file);
    fclose(file);
    return path;
}
