#ifndef POINTS_TESTS_CLI_H
#define POINTS_TESTS_CLI_H

/* Command lines, run inside the test's process. */

struct cli_result {
    int status;
    char *out; /* what was printed; freed by cli_release */
    char *errors;
};

/* A suite's init: settings of the shell that runs the tests are not the tests'. */
void cli_forget_settings(void);

/* Runs a command line whose words are separated by single blanks. */
struct cli_result cli_run(const char *line);

void cli_release(struct cli_result *result);

/* Runs it and compares the status and a part of both outputs. */
void cli_expect(const char *line, int status, const char *out_part, const char *errors_part);

/* Makes a file; gives path. */
char *cli_temporary_file(const char *content, char path[64]);

#endif
