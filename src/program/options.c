/* The command line is read without a library: there are a few long options, with values
   after a space or an equals sign. Everything that is known about commands and options
   is in the two tables. */
#include "program/options.h"

#include "base/nearest.h"
#include "job/size.h"
#include "program/commands.h"
#include "program/external.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Groups of options. */
enum {
    SETS = 1,
    RUN = 2,
    PLAN = 4,
    SHOW = 8,
    TABLE = 16,
    THEORY = 32,
    JSON = 64,  /* it answers in JSON, too  */
    TELLS = 128 /* it has progress or notes */
};

const hesse_command hesse_commands[] = {
    {"run", "JOB.yaml", SETS | RUN | TELLS,
     "Compute a job: write one HDF5 file and print its tables",
     "The job's Hessian, whole or by blocks, its spectra and measures go into one HDF5 "
     "file. Start it with mpirun or srun to use more than one rank:\n\n"
     "  mpirun -n 8 hesse run job.yaml\n\n"
     "While it runs, finished work goes to FILE.parts. SIGUSR1, SIGTERM and SIGINT "
     "save "
     "and end it with status 75; a second signal ends it at once. A job file named - "
     "is "
     "read from standard input.",
     hesse_command_run, NULL},
    {"train", "JOB.yaml", SETS | RUN | TELLS,
     "Train a job's network; write checkpoints and a log into a folder",
     "The section `train` of the job has the optimiser, the schedule and the stages. A "
     "stage is a safetensors file that `run`, PyTorch and transformers read; the log "
     "is "
     "an HDF5 file, which `show` prints. Lists of learning rates or seeds give a run "
     "for "
     "each; the ranks share them.\n\n"
     "  mpirun -n 2 hesse train job.yaml --output run1\n\n"
     "Signals save and end it as they end `run`.",
     hesse_command_train, NULL},
    {"landscape", "JOB.yaml", SETS | RUN | TELLS,
     "Compute the loss along one or two directions from a job's parameters",
     "The section `landscape` of the job has the directions and the grid. The losses, "
     "and the norm of the gradient and the curvature if they are asked for, go into "
     "one "
     "HDF5 file, which `show` prints. The ranks share the points of the grid:\n\n"
     "  mpirun -n 4 hesse landscape job.yaml --set landscape.points=25\n\n"
     "Signals save and end it as they end `run`.",
     hesse_command_landscape, NULL},
    {"theory", "JOB.yaml", SETS | THEORY | TELLS,
     "Compute the theory of a job's family beside the numbers that it is about",
     "For the family `quadratic`: condition numbers, steps of gradient descent and of "
     "Adam, and the bounds of both, over the random draws of the section `theory`. "
     "For the family `linear_transformer`: the loss, the gradient and all eigenvalues "
     "of the Hessian at zero weights, and for one layer the smallest loss, measured on "
     "the examples of the job beside closed forms for infinitely many. For the family "
     "`attention`: the blocks of the Hessian and its zero eigenvalues, computed by the "
     "operators beside closed forms. The table goes to standard output, and all "
     "numbers go to an HDF5 file. Runs under mpirun, too; the ranks share the draws, "
     "the examples or the products.",
     hesse_command_theory, NULL},
    {"check", "JOB.yaml", SETS | JSON,
     "Check the derivatives of a job on its own model and data",
     "Hessian-vector products are compared with finite differences of the gradient; "
     "symmetry, the sign of the Gauss-Newton part, and the sum of the operators' "
     "shares "
     "are checked. Runs under mpirun, too.",
     hesse_command_check, NULL},
    {"plan", "JOB.yaml", SETS | PLAN | JSON,
     "Predict the sizes, memory, work and time of a job, without computing it",
     "Prints the blocks with their sizes, engines and ranks, the work, and the peak "
     "memory of a rank.",
     hesse_command_plan, NULL},
    {"graph", "JOB.yaml", SETS, "Print the graph of a job's network as JSON",
     "The graph has a node for every operator, with its inputs, parameters, constants "
     "and sizes. docs/graph.md describes the format.",
     hesse_command_graph, NULL},
    {"show", "RESULT.h5", SHOW | JSON, "Print a result file as tables",
     "The tables say what the result was made of, the blocks with their measures, and "
     "the mean distances between them.",
     hesse_command_show, NULL},
    {"keys", NULL, TABLE | JSON, "Print every key of a job file with its meaning",
     "Each key is printed with its values, its default, and the families of networks "
     "or "
     "kinds of data that have it.",
     NULL, hesse_command_keys},
    {"schema", NULL, TABLE, "Print the schema of result files as JSON",
     "The schema has every group, dataset and attribute of a result file.", NULL,
     hesse_command_schema},
    {"selftest", NULL, JSON, "Check this installation on a tiny network, in seconds",
     "Derivatives, eigensolvers, estimates, the result file and the continuation of a "
     "stopped run are checked; every line has the figure that was found and its bound. "
     "Nothing is read but the program, and a temporary folder in TMPDIR or /tmp is "
     "the only place that is written. Runs under mpirun, too.",
     hesse_command_selftest, NULL},
    {"info", NULL, JSON | TELLS,
     "Print versions, libraries, engines and the speed of this machine",
     "Runs under mpirun, too, and measures every rank while all of them work.",
     hesse_command_info, NULL},
    {"help", "[COMMAND]", 0, "Print the help of the program or of a command", NULL,
     NULL, hesse_command_help},
    {"completion", "bash|zsh|fish", 0, "Print a script that completes command lines",
     "An installation has these scripts in the folders of the shells. Else write, in "
     "the file that your shell reads when it starts:\n\n"
     "  eval \"$(hesse completion bash)\"          # or zsh\n"
     "  hesse completion fish | source",
     NULL, hesse_command_completion},
    {"version", NULL, JSON, "Print the versions of the program and of its libraries",
     NULL, NULL, hesse_command_version},
    {0}};

enum { SET, POINT, OUTPUT, RANKS, MEMORY, FLAGS };

const hesse_option hesse_option_rows[] = {
    [SET] =
        {"--set", "KEY=VALUE", SETS,
         "Override a key of the job, e.g. --set data.sequences=4; may be given again",
         0},
    [POINT] = {"--point", "NAME", SETS,
               "Take one point of the job's sweep, e.g. --point kernel-softmax", 0},
    [OUTPUT] =
        {"--output", "FILE", RUN | THEORY,
         "Write the result to this file, or the training run to this folder, and "
         "not to the job's output.file or output.folder",
         0},
    [RANKS] = {"--ranks", "N", PLAN,
               "Plan for N ranks; the default is the number that it runs on", 0},
    [MEMORY] = {"--memory-per-rank", "SIZE", PLAN,
                "Memory that a rank may use, e.g. 4GiB; the default is what is free",
                0},
    [FLAGS] = {"--full", NULL, SETS,
               "Use the job's full size: the overrides of its section `full`",
               offsetof(hesse_options, full)},
    {"--resume", NULL, RUN,
     "Go on with the finished work in FILE.parts (train: in the folder), if "
     "there is any; leave a result of the same job as it is",
     offsetof(hesse_options, resume)},
    {"--force", NULL, RUN | THEORY,
     "Begin anew, and replace an older result when the new one is complete, but never "
     "a "
     "file that the job reads",
     offsetof(hesse_options, force)},
    {"--verify", NULL, SHOW,
     "Instead of the tables, check that the file is what was written, by its SHA-256, "
     "and check every spectrum again from the stored eigenvalues",
     offsetof(hesse_options, verify)},
    {"--sbatch", NULL, PLAN, "Print a batch script for Slurm instead, ready to submit",
     offsetof(hesse_options, sbatch)},
    {"--json", NULL, JSON,
     "Print JSON instead, for other programs (docs/json.md); `keys` prints a JSON "
     "schema of job files, for editors",
     offsetof(hesse_options, json)},
    {"--quiet", NULL, TELLS,
     "Print no progress, notes and warnings; errors are printed",
     offsetof(hesse_options, quiet)},
    {"--markdown", NULL, TABLE, "Print the tables of the documentation instead",
     offsetof(hesse_options, markdown)},
    {0}};

const hesse_command *hesse_command_named(const char *name)
{
    for (const hesse_command *c = hesse_commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

hesse_status hesse_unknown_command(const char *name, hesse_why *why)
{
    if (hesse_external_is_part(name))
        return hesse_fail(why, HESSE_E_JOB,
                          "'%s' is the program hesse-%s, found neither beside hesse "
                          "nor on the PATH, expected it there",
                          name, name);
    hesse_externals others = hesse_external_names();
    hesse_nearest near = {.word = name};
    for (const hesse_command *c = hesse_commands; c->name; c++)
        hesse_nearest_try(&near, c->name);
    for (size_t i = 0; i < others.count; i++) hesse_nearest_try(&near, others.names[i]);
    hesse_fail(why, HESSE_E_JOB,
               "unknown command '%s'; the nearest is '%s' (see hesse --help)", name,
               near.name);
    hesse_externals_free(&others);
    return HESSE_E_JOB;
}

static hesse_status unknown_option(const char *word, const hesse_command *c,
                                   hesse_why *why)
{
    hesse_nearest near = {.word = word};
    hesse_nearest_try(&near, "--help");
    for (const hesse_option *o = hesse_option_rows; o->name; o++)
        if (strcmp(word, o->name) == 0)
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: unknown option '%s', which is one of another "
                              "command (see hesse --help)",
                              c->name, word);
    for (const hesse_option *o = hesse_option_rows; o->name; o++)
        if (c->takes & o->group) hesse_nearest_try(&near, o->name);
    return hesse_fail(
        why, HESSE_E_JOB,
        "%s: unknown option '%s'; the nearest is '%s' (see hesse %s --help)", c->name,
        word, near.name, c->name);
}

static hesse_status take(const hesse_option *o, const char *value, hesse_options *x,
                         hesse_why *why)
{
    char *end;
    switch (o - hesse_option_rows) {
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
    case POINT:
        x->point = value;
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
            return hesse_fail(why, HESSE_E_JOB,
                              "--memory-per-rank: found '%s', expected a size with a "
                              "unit, such as 4GiB",
                              value);
        return HESSE_OK;
    default:
        *(bool *)((char *)x + o->flag) = true;
        if (x->json && x->sbatch)
            return hesse_fail(why, HESSE_E_JOB,
                              "--json and --sbatch: expected one of them");
        if (!x->resume || !x->force) return HESSE_OK;
        return hesse_fail(why, HESSE_E_JOB,
                          "--resume and --force: expected one of them");
    }
}

/* Read the option at argv[*i], as "--name value" or "--name=value". */
static hesse_status read_option(int argc, char *const *argv, int *i,
                                const hesse_command *c, hesse_options *x,
                                hesse_why *why)
{
    const char *word = argv[*i];
    for (const hesse_option *o = hesse_option_rows; o->name; o++) {
        const size_t length = strlen(o->name);
        if (!(c->takes & o->group) || strncmp(word, o->name, length) != 0) continue;
        if (!o->value && !word[length]) return take(o, "", x, why);
        if (!o->value && word[length] == '=')
            return hesse_fail(why, HESSE_E_JOB, "%s: takes no value", word);
        if (word[length] == '=') return take(o, word + length + 1, x, why);
        if (word[length]) continue;
        if (*i + 1 == argc)
            return hesse_fail(why, HESSE_E_JOB, "%s: nothing follows, expected a value",
                              word);
        return take(o, argv[++*i], x, why);
    }
    return unknown_option(word, c, why);
}

/* Check the argument that a command needs besides its options. */
static hesse_status check_argument(const hesse_options *x, hesse_why *why)
{
    const hesse_command *c = x->command;
    const bool from_input = c->takes & SETS && x->file && strcmp(x->file, "-") == 0;
    if (c->argument && *c->argument != '[' && !x->file)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: no file, expected %s (see hesse %s --help)", c->name,
                          c->argument, c->name);
    if (from_input && c->takes & (RUN | THEORY) && !x->output)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: the job is read from standard input, expected --output "
                          "FILE",
                          c->name);
    if (from_input && x->sbatch)
        return hesse_fail(why, HESSE_E_JOB,
                          "--sbatch: the job is read from standard input, expected the "
                          "name of a file for the script");
    return HESSE_OK;
}

hesse_status hesse_options_read(int argc, char *const *argv, hesse_options *options,
                                hesse_why *why)
{
    *options = (hesse_options){0};
    const hesse_command *c = NULL;
    bool help = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            help = true;
        } else if (!c) {
            c = hesse_command_named(strcmp(word, "--version") ? word : "version");
            if (!c) {
                options->unknown = word;
                return hesse_unknown_command(word, why);
            }
        } else if (word[0] == '-' && word[1]) {
            const hesse_status s = read_option(argc, argv, &i, c, options, why);
            if (s) return s;
        } else if (options->file || !c->argument) {
            return hesse_fail(why, HESSE_E_JOB, "%s: unexpected '%s'", c->name, word);
        } else {
            options->file = word;
        }
    }
    options->command = help ? hesse_command_named("help") : c;
    if (help) options->file = c ? c->name : NULL;
    if (options->command && options->command->print == hesse_command_help &&
        options->file && !hesse_command_named(options->file))
        options->unknown = options->file;
    if (!options->command)
        return hesse_fail(why, HESSE_E_JOB,
                          "no command, expected one (see hesse --help)");
    return check_argument(options, why);
}
