/* One rank reads and prints. HDF5 crashes on some damaged files; then the user is told
   that HDF5 crashed, and on which file. */
#include "output/show.h"
#include "output/show_json.h"
#include "output/verify.h"
#include "program/commands.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *reading;

static void fall(int number)
{
    static const char said[] = ": damaged: HDF5 fell over it\n";
    (void)number;
    if (write(STDERR_FILENO, "hesse: ", 7) < 0 ||
        write(STDERR_FILENO, reading, strlen(reading)) < 0 ||
        write(STDERR_FILENO, said, sizeof said - 1) < 0)
        _exit(HESSE_E_OUTPUT);
    _exit(HESSE_E_INPUT);
}

static hesse_status show(hesse_team *team, const hesse_options *options)
{
    static const int falls[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    reading = options->file;
    for (size_t i = 0; i < sizeof falls / sizeof *falls; i++) signal(falls[i], fall);
    hesse_why *why = hesse_team_why(team);
    if (!options->json && options->verify)
        return hesse_result_verify(options->file, stdout, why);
    if (!options->json) return hesse_result_show(options->file, stdout, why);
    hesse_json json = hesse_json_begin(HESSE_VERSION, "show");
    hesse_status s = HESSE_OK;
    if (options->verify) s = hesse_result_verify(options->file, NULL, why);
    if (!s && options->verify)
        hesse_json_set(&json, json.root, "verified", json_true());
    if (!s) s = hesse_result_json(options->file, &json, why);
    const hesse_status printed = hesse_json_end(&json, s ? NULL : stdout, why);
    return s ? s : printed;
}

hesse_status hesse_command_show(hesse_team *team, const hesse_options *options)
{
    return hesse_agree(team,
                       hesse_team_rank(team) == 0 ? show(team, options) : HESSE_OK);
}
