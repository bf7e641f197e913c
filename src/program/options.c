/* The command line by hand: a few long options, with values after a space or an equals
   sign, and help that says what each is for. */
#include "program/options.h"

#include "base/nearest.h"
#include "job/size.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What a command takes besides --help. */
enum { SETS = 1, RUN = 2, PLAN = 4, SHOW = 8, KEYS = 16 };

typedef struct command {
    const char *name;
    const char *file; /* what its file is called; NULL: it takes none */
    int takes;
    const char *help;
} command;

#define JOB_OPTIONS                                                                    \
    "  --set KEY=VALUE   override a key of the job, e.g. --set data.sequences=4;\n"    \
    "                    may be given again\n"
#define STATUSES                                                                       \
    "\nExit status: 0 done; 2 the command line or the job file is wrong;\n"            \
    "3 an input file is missing, damaged or of the wrong shape; 4 it would not\n"      \
    "fit in memory; 5 numerical failure; 6 output could not be written, or would\n"    \
    "replace something; 75 stopped by a signal, go on with --resume.\n"

static const char help_run[] =
    "usage: hesse run JOB.yaml [options]\n\n"
    "Compute what the job asks for: the Hessian's blocks, or all of it, their\n"
    "spectra and measures, into one HDF5 file; print its tables. Start it with\n"
    "mpirun or srun to use more than one rank:\n\n"
    "  mpirun -n 8 hesse run job.yaml\n\n"
    "While it runs, finished work goes to FILE.parts. SIGUSR1 and SIGTERM save\n"
    "and end it with status 75; a second signal ends it at once.\n\n" JOB_OPTIONS
    "  --output FILE     the result file, instead of the job's output.file\n"
    "  --resume          go on with the finished work in FILE.parts, if there is\n"
    "                    any; leave a result of the same job as it is\n"
    "  --force           begin anew, and replace an older result when the new one\n"
    "                    is complete; but never a file that the job reads\n"
    "  --help            this text\n" STATUSES;

static const char help_check[] =
    "usage: hesse check JOB.yaml [options]\n\n"
    "Prove the derivatives of this job on its own model and data: Hessian-vector\n"
    "products against finite differences of the gradient, symmetry, the\n"
    "Gauss-Newton part >= 0, and the sum of the operators' shares against the\n"
    "Hessian. Runs under mpirun, too.\n\n" JOB_OPTIONS
    "  --help            this text\n" STATUSES;

static const char help_plan[] =
    "usage: hesse plan JOB.yaml [options]\n\n"
    "Tell, without computing, what a run would do: the blocks with their sizes,\n"
    "engines and ranks, the work, and the peak memory of a rank.\n\n" JOB_OPTIONS
    "  --ranks N         plan for N ranks (default: those it runs on)\n"
    "  --memory-per-rank SIZE\n"
    "                    what a rank may use, e.g. 4GiB (default: what is free)\n"
    "  --sbatch          print a batch script for Slurm instead, ready to submit\n"
    "  --help            this text\n" STATUSES;

static const char help_show[] =
    "usage: hesse show RESULT.h5 [options]\n\n"
    "Print a result file as tables: what it was made of, the blocks with their\n"
    "measures, the mean distances between them.\n\n"
    "  --verify          instead of the tables, check that the file is what was\n"
    "                    written, by its SHA-256, and prove every spectrum again\n"
    "                    from the stored eigenvalues\n"
    "  --help            this text\n" STATUSES;

static const char help_keys[] =
    "usage: hesse keys [options]\n\n"
    "Print every key of a job file: what it means, its values, its default, and the\n"
    "families or kinds of data that have it.\n\n"
    "  --json            a JSON schema of job files instead, for editors\n"
    "  --markdown        the tables of docs/job.md instead\n"
    "  --help            this text\n" STATUSES;

static const char help_info[] =
    "usage: hesse info\n\n"
    "Print versions, MPI, HDF5, BLAS and the core it runs on, engines, memory,\n"
    "and the measured rate of this machine.\n\n"
    "  --help            this text\n" STATUSES;

static const command commands[] = {{"run", "JOB.yaml", SETS | RUN, help_run},
                                   {"check", "JOB.yaml", SETS, help_check},
                                   {"plan", "JOB.yaml", SETS | PLAN, help_plan},
                                   {"show", "RESULT.h5", SHOW, help_show},
                                   {"keys", NULL, KEYS, help_keys},
                                   {"info", NULL, 0, help_info}};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char general[] =
    "usage: hesse COMMAND [FILE] [options]\n\n"
    "Exact curvature of transformers: the Hessian of the loss, its blocks, their\n"
    "spectra and how different they are, over any number of MPI ranks.\n\n"
    "  run JOB.yaml      compute a job, write one HDF5 file\n"
    "  check JOB.yaml    prove the derivatives of a job on its own model and data\n"
    "  plan JOB.yaml     sizes, engines, memory and work of a job, not computing it\n"
    "  show RESULT.h5    a result file as tables\n"
    "  keys              the keys of a job file, or a JSON schema of them\n"
    "  info              versions, engines and speed of this installation\n\n"
    "  --help            this text; hesse COMMAND --help: that of a command\n"
    "  --version         the version\n" STATUSES;

static const command *find(const char *name)
{
    for (int i = 0; name && i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

const char *hesse_options_help(const char *name)
{
    const command *c = find(name);
    return c ? c->help : general;
}

/* Words of a later version, so that nobody looks for a mistake of his own. */
static bool comes_later(const char *word)
{
    static const char *const words[] = {"train"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

static hesse_status unknown_command(const char *name, hesse_why *why)
{
    if (comes_later(name))
        return hesse_fail(why, HESSE_E_JOB, "'%s' is not available in this version",
                          name);
    const char *near = commands[0].name;
    for (int i = 1; i < COMMANDS; i++)
        if (hesse_edits(name, commands[i].name) < hesse_edits(name, near))
            near = commands[i].name;
    return hesse_fail(why, HESSE_E_JOB,
                      "unknown command '%s'; the nearest is '%s' (see hesse --help)",
                      name, near);
}

/* An option, and the commands that take it. */
typedef struct option {
    const char *name;
    int group;
    size_t flag; /* where it is set, of one without a value; else 0 */
} option;

enum { SET, OUTPUT, RANKS, MEMORY, FLAGS };

static const option known[] = {
    [SET] = {"--set", SETS, 0},
    [OUTPUT] = {"--output", RUN, 0},
    [RANKS] = {"--ranks", PLAN, 0},
    [MEMORY] = {"--memory-per-rank", PLAN, 0},
    [FLAGS] = {"--resume", RUN, offsetof(hesse_options, resume)},
    {"--force", RUN, offsetof(hesse_options, force)},
    {"--verify", SHOW, offsetof(hesse_options, verify)},
    {"--json", KEYS, offsetof(hesse_options, json)},
    {"--markdown", KEYS, offsetof(hesse_options, markdown)},
    {"--sbatch", PLAN, offsetof(hesse_options, sbatch)}};
enum { KNOWN = sizeof known / sizeof *known };

static hesse_status unknown_option(const char *word, const command *c, hesse_why *why)
{
    if (comes_later(word))
        return hesse_fail(why, HESSE_E_JOB, "%s: '%s' is not available in this version",
                          c->name, word);
    const char *near = "--help";
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(word, known[i].name) == 0)
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: unknown option '%s', which is one of another "
                              "command (see hesse --help)",
                              c->name, word);
    for (int i = 0; i < KNOWN; i++)
        if (c->takes & known[i].group &&
            hesse_edits(word, known[i].name) < hesse_edits(word, near))
            near = known[i].name;
    return hesse_fail(
        why, HESSE_E_JOB,
        "%s: unknown option '%s'; the nearest is '%s' (see hesse %s --help)", c->name,
        word, near, c->name);
}

static hesse_status take(const option *o, const char *value, hesse_options *x,
                         hesse_why *why)
{
    char *end;
    switch (o - known) {
    case SET:
        if (!strchr(value, '='))
            return hesse_fail(why, HESSE_E_JOB,
                              "--set: found '%s', expected KEY=VALUE, e.g. "
                              "data.sequences=4",
                              value);
        if (x->n_sets == HESSE_MOST_SETS)
            return hesse_fail(why, HESSE_E_JOB, "--set: given more than %d times",
                              HESSE_MOST_SETS);
        x->sets[x->n_sets++] = value;
        return HESSE_OK;
    case OUTPUT:
        x->output = value;
        return HESSE_OK;
    case RANKS: {
        const long ranks = strtol(value, &end, 10);
        if (*end || ranks < 1 || ranks > 1 << 20)
            return hesse_fail(why, HESSE_E_JOB,
                              "--ranks: found '%s', expected a number from 1 to %d",
                              value, 1 << 20);
        x->ranks = (int)ranks;
        return HESSE_OK;
    }
    case MEMORY:
        if (!hesse_size_parse(value, &x->memory))
            return hesse_fail(
                why, HESSE_E_JOB,
                "--memory-per-rank: found '%s', expected a size like 4GiB", value);
        return HESSE_OK;
    default:
        *(bool *)((char *)x + o->flag) = true;
        if (!x->resume || !x->force) return HESSE_OK;
        return hesse_fail(why, HESSE_E_JOB,
                          "--resume and --force: expected one of them");
    }
}

/* An option at argv[*i], as "--name value" or "--name=value". */
static hesse_status read_option(int argc, char *const *argv, int *i, const command *c,
                                hesse_options *x, hesse_why *why)
{
    const char *word = argv[*i];
    for (int j = 0; j < KNOWN; j++) {
        const size_t length = strlen(known[j].name);
        if (!(c->takes & known[j].group) || strncmp(word, known[j].name, length))
            continue;
        if (known[j].flag && !word[length]) return take(&known[j], "", x, why);
        if (known[j].flag && word[length] == '=')
            return hesse_fail(why, HESSE_E_JOB, "%s: takes no value", word);
        if (word[length] == '=') return take(&known[j], word + length + 1, x, why);
        if (word[length]) continue;
        if (*i + 1 == argc)
            return hesse_fail(why, HESSE_E_JOB, "%s: nothing follows, expected a value",
                              word);
        return take(&known[j], argv[++*i], x, why);
    }
    return unknown_option(word, c, why);
}

hesse_status hesse_options_read(int argc, char *const *argv, hesse_options *options,
                                hesse_why *why)
{
    *options = (hesse_options){0};
    const command *c = NULL;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options->help = true;
        } else if (!c && strcmp(word, "--version") == 0) {
            options->version = true;
        } else if (!c) {
            if (!(c = find(word))) return unknown_command(word, why);
            options->command = c->name;
        } else if (word[0] == '-' && word[1]) {
            const hesse_status s = read_option(argc, argv, &i, c, options, why);
            if (s) return s;
        } else if (options->file || !c->file) {
            return hesse_fail(why, HESSE_E_JOB, "%s: unexpected '%s'", c->name, word);
        } else {
            options->file = word;
        }
    }
    if (options->help || options->version) return HESSE_OK;
    if (!c)
        return hesse_fail(why, HESSE_E_JOB,
                          "no command, expected one of run, check, plan, "
                          "show, keys, info (see hesse --help)");
    if (c->file && !options->file)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: no file, expected %s (see hesse %s --help)", c->name,
                          c->file, c->name);
    return HESSE_OK;
}
