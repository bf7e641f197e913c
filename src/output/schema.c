/* The table is one list of rows, section by section; the functions below find a row by
   its path, from which they first remove parts/SHARE/. */
#include "output/schema.h"

#include "output/result.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char HESSIAN[] = "loss / parameter^2", GRADIENT[] = "loss / parameter",
                  DENSITY[] = "parameter^2 / loss";

static const hesse_axis_name AXES[] = {
    [HESSE_AXIS_NONE] = {NULL, NULL, NULL},
    [HESSE_AXIS_BLOCK] = {"block", "B", "/block"},
    [HESSE_AXIS_OTHER_BLOCK] = {"other_block", "B", NULL},
    [HESSE_AXIS_TENSOR] = {"parameter_tensor", "P", "/parameter_tensor"},
    [HESSE_AXIS_PARAMETER] = {"parameter", "N", "/parameter"},
    [HESSE_AXIS_OTHER_PARAMETER] = {"other_parameter", "N", NULL},
    [HESSE_AXIS_GRID] = {"grid", "G", "grid"},
    [HESSE_AXIS_RANK] = {"rank", "n", NULL},
    [HESSE_AXIS_VECTOR] = {"eigenvector", "V", NULL},
    [HESSE_AXIS_PAIR] = {"eigenpair", "E", NULL},
    [HESSE_AXIS_COORDINATE] = {"coordinate", "n", NULL},
    [HESSE_AXIS_ROW] = {"row", "n", "../row"},
    [HESSE_AXIS_COLUMN] = {"column", "n", "../column"},
    [HESSE_AXIS_PROCESS] = {"mpi_rank", "ranks", NULL},
    [HESSE_AXIS_PROBE] = {"probe", "probes", NULL},
    [HESSE_AXIS_STEP] = {"step", "steps", NULL},
    [HESSE_AXIS_SIDE] = {"rows_and_columns", "2", NULL},
    [HESSE_AXIS_END] = {"first_and_last", "2", NULL},
    [HESSE_AXIS_VALUE] = {"value", "K", "value"},
    [HESSE_AXIS_LIMIT] = {"lower_and_upper", "2", NULL},
    [HESSE_AXIS_TRAIN_STEP] = {"step", "T", "/step"},
    [HESSE_AXIS_TRAIN_TENSOR] = {"parameter_tensor", "P", "/parameter_tensor"},
    [HESSE_AXIS_EVALUATION] = {"evaluation", "E", "step"},
    [HESSE_AXIS_MEASUREMENT] = {"measurement", "M", "step"},
    [HESSE_AXIS_BATCH] = {"batch", "K", NULL},
    [HESSE_AXIS_CLASS] = {"class", "L", NULL},
    [HESSE_AXIS_TRAIN_GROUP] = {"group", "G", "group"},
    [HESSE_AXIS_DIRECTION] = {"direction", "D", "/direction"},
    [HESSE_AXIS_PARTITION] = {"block_error_partition", "Q", "/block_error_partition"},
    [HESSE_AXIS_TEST_VECTOR] = {"block_error_vector", "W", "/block_error_vector"},
    [HESSE_AXIS_SERIES] = {"series_step", "S", "/series/step"},
    [HESSE_AXIS_DRAW] = {"draw", "K", "/theory/draw"},
    [HESSE_AXIS_LOOK] = {"checked_step", "T", "step"},
    [HESSE_AXIS_DESCENT] = {"descent_step", "T", NULL},
    [HESSE_AXIS_LEVEL] = {"level", "J", NULL},
    [HESSE_AXIS_LAYER_ROW] = {"layer_parameter", "n", NULL},
    [HESSE_AXIS_LAYER_COLUMN] = {"other_layer_parameter", "n", NULL},
    [HESSE_AXIS_ATTENDING] = {"sequence_head_token", "R", NULL},
    [HESSE_AXIS_COMPONENT] = {"component", "C", NULL},
    [HESSE_AXIS_X] = {"x", "X", "/landscape/x"},
    [HESSE_AXIS_Y] = {"y", "Y", "/landscape/y"},
    [HESSE_AXIS_LANDSCAPE] = {"landscape_direction", "D", "/landscape/direction"},
    [HESSE_AXIS_OTHER_LANDSCAPE] = {"other_direction", "D", NULL},
    [HESSE_AXIS_SWEEP_POINT] = {"point", "P", "/sweep/point"},
    [HESSE_AXIS_SWEEP_AXIS] = {"axis", "A", "/sweep/axis"},
    [HESSE_AXIS_SWEEP_PLACE] = {"point_and_axis", "P A", NULL},
    [HESSE_AXIS_SWEEP_RUN] = {"run", "R", NULL},
    [HESSE_AXIS_SWEEP_BLOCK] = {"sweep_block", "B", "/sweep/block"},
    [HESSE_AXIS_SWEEP_LINE] = {"line", "F", NULL},
    [HESSE_AXIS_SWEEP_PAIR] = {"neighbours", "I", NULL},
};

/* clang-format off */
static const hesse_schema_row ROWS[] = {
    /* The file */
    {HESSE_SECTION_FILE, "", "schema_version", HESSE_CONTENT_WHOLE,
     .description = "version of this schema"},
    {HESSE_SECTION_FILE, "", "description", HESSE_CONTENT_TEXT,
     .description = "what the file is, and how dimensions run"},
    {HESSE_SECTION_FILE, "*", "description", HESSE_CONTENT_TEXT,
     .description = "what a dataset or a group holds"},
    {HESSE_SECTION_FILE, "*", "units", HESSE_CONTENT_TEXT, .optional = true,
     .description = "units of a dataset; a group has none"},
    {HESSE_SECTION_FILE, "", "NX_class", HESSE_CONTENT_TEXT,
     .description = "NXroot"},
    {HESSE_SECTION_FILE, "*", "NX_class", HESSE_CONTENT_TEXT, .optional = true,
     .description = "of a group: NXdata if one of its datasets is drawn; NXentry in the root "
                    "if another group in it is drawn; else NXcollection"},
    {HESSE_SECTION_FILE, "", "default", HESSE_CONTENT_TEXT, .optional = true,
     .description = "the group with the first picture"},
    {HESSE_SECTION_FILE, "*", "default", HESSE_CONTENT_TEXT, .optional = true,
     .description = "the same of a group that is not NXdata"},
    {HESSE_SECTION_FILE, "*", "signal", HESSE_CONTENT_TEXT, .optional = true,
     .description = "of NXdata: the dataset that is drawn"},
    {HESSE_SECTION_FILE, "*", "auxiliary_signals", HESSE_CONTENT_TEXT, .optional = true,
     .description = "of NXdata, a list: datasets that are drawn with it, or in its place"},
    {HESSE_SECTION_FILE, "*", "axes", HESSE_CONTENT_TEXT, .optional = true,
     .description = "of NXdata, a list: the dataset of coordinates of every dimension; `.`: "
                    "the entries are counted from 0"},

    /* The program and the machine */
    {HESSE_SECTION_PROGRAM, "", "hesse_version", HESSE_CONTENT_TEXT,
     .description = "version of the program"},
    {HESSE_SECTION_PROGRAM, "", "git_commit", HESSE_CONTENT_TEXT,
     .description = "commit of the source that was built"},
    {HESSE_SECTION_PROGRAM, "", "created", HESSE_CONTENT_TEXT,
     .description = "time of writing, UTC"},
    {HESSE_SECTION_PROGRAM, "", "command", HESSE_CONTENT_TEXT,
     .description = "the command line, words separated by spaces"},
    {HESSE_SECTION_PROGRAM, "", "host", HESSE_CONTENT_TEXT,
     .description = "the machine of rank 0"},
    {HESSE_SECTION_PROGRAM, "", "ranks", HESSE_CONTENT_WHOLE,
     .description = "MPI ranks"},
    {HESSE_SECTION_PROGRAM, "", "threads", HESSE_CONTENT_WHOLE,
     .description = "threads of a rank that compute panels"},
    {HESSE_SECTION_PROGRAM, "", "blas", HESSE_CONTENT_TEXT,
     .description = "kernels that OpenBLAS uses; unknown for another BLAS"},
    {HESSE_SECTION_PROGRAM, "", "blas_threads", HESSE_CONTENT_WHOLE,
     .description = "threads of OpenBLAS; 0 for another BLAS"},
    {HESSE_SECTION_PROGRAM, "", "blas_mended", HESSE_CONTENT_WHOLE,
     .description =
         "1: OpenBLAS had taken kernels for an older processor, and was made to take "
         "these"},
    {HESSE_SECTION_PROGRAM, "", "simd", HESSE_CONTENT_TEXT,
     .description = "vector instructions of the program's own kernels"},
    {HESSE_SECTION_PROGRAM, "", "environment", HESSE_CONTENT_TEXT, .optional = true,
     .description =
         "variables that libraries heed (OMP_, OPENBLAS_, OMPI_MCA_coll and others), "
         "as they were set: another order of additions rounds differently"},
    {HESSE_SECTION_PROGRAM, "", "mpi", HESSE_CONTENT_TEXT,
     .description = "version of the MPI library"},
    {HESSE_SECTION_PROGRAM, "", "hdf5", HESSE_CONTENT_TEXT,
     .description = "version of the HDF5 library"},

    /* The job */
    {HESSE_SECTION_JOB, "", "job", HESSE_CONTENT_TEXT,
     .description = "the job file as it was read, and each `--set` as a comment"},
    {HESSE_SECTION_JOB, "", "job_identity", HESSE_CONTENT_TEXT,
     .description =
         "SHA-256 of what the numbers depend on: the keys of the job that change them, "
         "the digests of the inputs, the program; `--resume` compares it"},
    {HESSE_SECTION_JOB, "", "output_identity", HESSE_CONTENT_TEXT, .in_1 = "",
     .description =
         "SHA-256 of the keys that only choose what is written: those of `metrics`, "
         "`measures` and `spectrum.density`, and `output.matrices`, and of the digest of "
         "directions; `--resume` compares it, too"},
    {HESSE_SECTION_JOB, "", "repeatable", HESSE_CONTENT_TEXT, .in_1 = "",
     .description = "which numbers another run of the job finds again, on the same and on "
                    "another number of ranks"},
    {HESSE_SECTION_JOB, "", "earlier_runs", HESSE_CONTENT_WHOLE,
     .description =
         "runs that were stopped or killed, and whose finished work this one took up; "
         "times are those of this run alone"},
    {HESSE_SECTION_JOB, "", "job_complete", HESSE_CONTENT_TEXT,
     .description =
         "a job file that says the same, with overrides and defaults filled in; paths "
         "in it are relative to the folder of the first"},
    {HESSE_SECTION_JOB, "", "steps", HESSE_CONTENT_WHOLE, .in_1 = "", .optional = true,
     .description = "steps of a series of checkpoints"},
    {HESSE_SECTION_JOB, "", "failed_steps", HESSE_CONTENT_WHOLE, .in_1 = "",
     .optional = true,
     .description = "steps of the series without results; /series/failure says why"},
    {HESSE_SECTION_JOB, "", "points", HESSE_CONTENT_WHOLE, .in_1 = "", .optional = true,
     .description = "points of a sweep"},
    {HESSE_SECTION_JOB, "", "repeats", HESSE_CONTENT_WHOLE, .in_1 = "", .optional = true,
     .description = "repeats of every point"},
    {HESSE_SECTION_JOB, "", "failed_runs", HESSE_CONTENT_WHOLE, .in_1 = "",
     .optional = true,
     .description = "runs of a sweep with numbers that are not finite; "
                    "/sweep/run_failure names them"},
    {HESSE_SECTION_JOB, "", "points_sha256", HESSE_CONTENT_TEXT, .in_1 = "",
     .optional = true,
     .description = "digest of the keys of all points of a sweep; job_complete has those "
                    "of the first"},
    {HESSE_SECTION_JOB, "", "scope", HESSE_CONTENT_TEXT,
     .description = "matrices that were asked for: blocks, full or both"},
    {HESSE_SECTION_JOB, "", "partition", HESSE_CONTENT_TEXT,
     .description = "how the parameters are cut into blocks"},
    {HESSE_SECTION_JOB, "", "reduction", HESSE_CONTENT_TEXT,
     .description =
         "how the loss is taken over the tokens: mean, sum or micro_batches"},
    {HESSE_SECTION_JOB, "", "method", HESSE_CONTENT_TEXT,
     .description =
         "exact, lanczos or auto; blocks/method tells which block was found how"},
    {HESSE_SECTION_JOB, "", "precision", HESSE_CONTENT_TEXT, .in_1 = "", .optional = true,
     .description =
         "single: a preview, in which matrices are formed and decomposed in single "
         "precision; absent: double"},
    {HESSE_SECTION_JOB, "", "lanczos_procedure", HESSE_CONTENT_TEXT, .optional = true,
     .description =
         "that the published procedure was asked for, and which keys differ from it"},
    {HESSE_SECTION_JOB, "", "micro_batch", HESSE_CONTENT_WHOLE, .optional = true,
     .description =
         "sequences of a micro-batch, where the loss is summed over micro-batches"},
    {HESSE_SECTION_JOB, "", "panel", HESSE_CONTENT_WHOLE,
     .description = "directions swept together"},
    {HESSE_SECTION_JOB, "", "predicted_bytes_per_rank", HESSE_CONTENT_WHOLE,
     .description =
         "memory that was planned for, the program and its libraries included"},
    {HESSE_SECTION_JOB, "", "predicted_seconds", HESSE_CONTENT_NUMBER,
     .description =
         "predicted time of assembly and eigenvalues, from rates measured at the "
         "start"},

    /* The model */
    {HESSE_SECTION_MODEL, "", "model_family", HESSE_CONTENT_TEXT,
     .description = "family of the model"},
    {HESSE_SECTION_MODEL, "", "model_loss", HESSE_CONTENT_TEXT, .optional = true,
     .description =
         "the loss function; gpt2 and llama do not have it, theirs is cross-entropy"},
    {HESSE_SECTION_MODEL, "", "model_inputs", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "numbers, or channels, of a token"},
    {HESSE_SECTION_MODEL, "", "model_outputs", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "classes, or numbers that are predicted"},
    {HESSE_SECTION_MODEL, "", "model_kernel", HESSE_CONTENT_TEXT, .optional = true,
     .description = "kernel of attention"},
    {HESSE_SECTION_MODEL, "", "model_batch_norm", HESSE_CONTENT_TEXT, .optional = true,
     .description = "how batch normalisation is treated"},
    {HESSE_SECTION_MODEL, "", "model_patch", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "side of a patch of an image"},
    {HESSE_SECTION_MODEL, "", "model_types", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "token types of bert"},
    {HESSE_SECTION_MODEL, "", "model_layers", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "layers"},
    {HESSE_SECTION_MODEL, "", "model_width", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "channels of the residual stream"},
    {HESSE_SECTION_MODEL, "", "model_inner", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "channels inside of the MLP"},
    {HESSE_SECTION_MODEL, "", "model_heads", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "query heads"},
    {HESSE_SECTION_MODEL, "", "model_kv_heads", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "key and value heads"},
    {HESSE_SECTION_MODEL, "", "model_head_size", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "channels of a head"},
    {HESSE_SECTION_MODEL, "", "model_vocabulary", HESSE_CONTENT_WHOLE,
     .optional = true,
     .description = "tokens known"},
    {HESSE_SECTION_MODEL, "", "model_positions", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "longest sequence"},
    {HESSE_SECTION_MODEL, "", "model_task", HESSE_CONTENT_TEXT, .optional = true,
     .description = "predictions of an encoder: masked, classify or tokens"},
    {HESSE_SECTION_MODEL, "", "model_activation", HESSE_CONTENT_TEXT, .optional = true,
     .description = "activation of the MLP: gelu, gelu_tanh, relu or silu"},
    {HESSE_SECTION_MODEL, "", "model_attention", HESSE_CONTENT_TEXT, .optional = true,
     .description = "causal or full"},
    {HESSE_SECTION_MODEL, "", "model_temperature", HESSE_CONTENT_NUMBER,
     .optional = true,
     .description = "scores of attention are divided by it"},
    {HESSE_SECTION_MODEL, "", "model_temperature_by_layer", HESSE_CONTENT_WHOLE,
     .optional = true,
     .description = "1: scores are divided by the number of the layer, from 1, too"},
    {HESSE_SECTION_MODEL, "", "model_rope_theta", HESSE_CONTENT_NUMBER,
     .optional = true,
     .description = "base of the rotary angles (llama)"},
    {HESSE_SECTION_MODEL, "", "model_norm_eps", HESSE_CONTENT_NUMBER, .optional = true,
     .description = "added to the variance in normalisations"},
    {HESSE_SECTION_MODEL, "", "model_tied", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "1: the head is the token embedding"},
    {HESSE_SECTION_MODEL, "", "model_attention_bias", HESSE_CONTENT_WHOLE,
     .optional = true,
     .description = "1: attention has biases"},
    {HESSE_SECTION_MODEL, "", "model_mlp_bias", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "1: the MLP has biases"},
    {HESSE_SECTION_MODEL, "", "parameters", HESSE_CONTENT_WHOLE,
     .description = "elements of the parameter vector"},
    {HESSE_SECTION_MODEL, "", "model_seed", HESSE_CONTENT_WHOLE, .optional = true,
     .description =
         "seed of the random weights, where there is no checkpoint; one of 2^63 or "
         "more appears less 2^64"},
    {HESSE_SECTION_MODEL, "", "config_sha256", HESSE_CONTENT_TEXT, .optional = true,
     .description = "digest of config.json"},
    {HESSE_SECTION_MODEL, "", "graph_sha256", HESSE_CONTENT_TEXT, .optional = true,
     .description = "digest of the graph of operators (`model.graph`)"},
    {HESSE_SECTION_MODEL, "", "checkpoint_sha256", HESSE_CONTENT_TEXT,
     .optional = true,
     .description =
         "digest of the checkpoint; of a series, SHA-256 of a line `STEP DIGEST` for "
         "every step"},
    {HESSE_SECTION_MODEL, "", "directions_sha256", HESSE_CONTENT_TEXT,
     .optional = true, .in_1 = "",
     .description = "digest of the files of `measures.directions`: SHA-256 of their "
                    "digests, one in each line"},
    {HESSE_SECTION_MODEL, "", "moments_sha256", HESSE_CONTENT_TEXT, .in_1 = "",
     .optional = true,
     .description = "digest of the file of second moments by which shares are scaled"},
    {HESSE_SECTION_MODEL, "", "checkpoint_note", HESSE_CONTENT_TEXT, .optional = true,
     .description = "what was ignored of the checkpoint"},
    {HESSE_SECTION_MODEL, "", "loss", HESSE_CONTENT_NUMBER, .optional = true,
     .description =
         "the loss at these parameters and data; a series has one for every step"},

    /* The data */
    {HESSE_SECTION_DATA, "", "data_sha256", HESSE_CONTENT_TEXT,
     .description = "digest of the data"},
    {HESSE_SECTION_DATA, "", "data_dtype", HESSE_CONTENT_TEXT, .optional = true,
     .description = "type of the token ids in their file: uint16, int32, ..., bytes or "
                    "characters"},
    {HESSE_SECTION_DATA, "", "data_layout", HESSE_CONTENT_TEXT, .optional = true,
     .description = "stream or rows, and what stands before the token ids or beside "
                    "their file"},
    {HESSE_SECTION_DATA, "", "data_vocabulary", HESSE_CONTENT_WHOLE, .optional = true,
     .description = "token ids are below it"},
    {HESSE_SECTION_DATA, "", "data_vocabulary_source", HESSE_CONTENT_TEXT,
     .optional = true, .description = "source of data_vocabulary"},
    {HESSE_SECTION_DATA, "", "data_mask", HESSE_CONTENT_TEXT, .optional = true,
     .description = "none, or how padding of token ids is known"},
    {HESSE_SECTION_DATA, "", "data_labels", HESSE_CONTENT_TEXT, .optional = true,
     .description = "the targets of token ids, and a remark if no class is 0"},
    {HESSE_SECTION_DATA, "", "images", HESSE_CONTENT_TEXT, .optional = true,
     .description = "how images were read: format, type, size, layout and scaling"},
    {HESSE_SECTION_DATA, "", "data_seed", HESSE_CONTENT_WHOLE, .optional = true,
     .description =
         "seed of the choice of sequences, where it was random; written as model_seed "
         "is"},
    {HESSE_SECTION_DATA, "", "sequences", HESSE_CONTENT_WHOLE,
     .description = "sequences"},
    {HESSE_SECTION_DATA, "", "context", HESSE_CONTENT_WHOLE,
     .description = "tokens of a sequence"},
    {HESSE_SECTION_DATA, "", "tokens", HESSE_CONTENT_WHOLE,
     .description =
         "sequences times context: tokens that the loss is over, those ignored among "
         "them"},
    {HESSE_SECTION_DATA, "", "sequences_at_once", HESSE_CONTENT_WHOLE,
     .description =
         "sequences whose activations were in the memory of a rank at once; fewer than "
         "sequences where memory is short, or if a rank kept its share alone"},

    /* Wall time */
    {HESSE_SECTION_TIMES, "", "seconds_open", HESSE_CONTENT_NUMBER, .units = "s",
     .description = "reading and running the model"},
    {HESSE_SECTION_TIMES, "", "seconds_plan", HESSE_CONTENT_NUMBER, .units = "s",
     .description = "planning"},
    {HESSE_SECTION_TIMES, "", "seconds_compute", HESSE_CONTENT_NUMBER, .units = "s",
     .description = "assembly, checks and eigenvalues, and writing the matrices"},
    {HESSE_SECTION_TIMES, "", "seconds_assembly", HESSE_CONTENT_NUMBER, .units = "s",
     .description =
         "panels with their exchange, of the rank that took longest; a share of "
         "seconds_compute"},
    {HESSE_SECTION_TIMES, "", "seconds_eigenvalues", HESSE_CONTENT_NUMBER,
     .units = "s",
     .description =
         "solving and checking, of the rank that took longest; a share of "
         "seconds_compute"},
    {HESSE_SECTION_TIMES, "", "seconds_distances", HESSE_CONTENT_NUMBER, .units = "s",
     .description = "distances of spectra"},
    {HESSE_SECTION_TIMES, "", "seconds_write", HESSE_CONTENT_NUMBER, .units = "s",
     .description = "writing all else, without the end of this file"},
    {HESSE_SECTION_TIMES, "", "wall_seconds", HESSE_CONTENT_NUMBER, .units = "s",
     .description =
         "seconds_open + seconds_plan + seconds_compute + seconds_distances + "
         "seconds_write"},

    /* Groups */
    {HESSE_SECTION_GROUPS, "parameters", NULL, HESSE_CONTENT_GROUP,
     .description =
         "the parameters of the model, in the order of the parameter vector"},
    {HESSE_SECTION_GROUPS, "blocks", NULL, HESSE_CONTENT_GROUP, .draw = 5, .shares = true,
     .description = "one entry for every diagonal block of the matrix"},
    {HESSE_SECTION_GROUPS, "ranks", NULL, HESSE_CONTENT_GROUP,
     .description = "what every rank did, and how long it took"},
    {HESSE_SECTION_GROUPS, "spectra", NULL, HESSE_CONTENT_GROUP, .shares = true,
     .description = "eigenvalues, and densities of eigenvalues"},
    {HESSE_SECTION_GROUPS, "spectra/full", NULL, HESSE_CONTENT_GROUP, .draw = 2, .shares = true,
     .description = "spectrum and measures of the full matrix"},
    {HESSE_SECTION_GROUPS, "spectra/blocks", NULL, HESSE_CONTENT_GROUP, .shares = true,
     .description = "a group for every block whose spectrum was computed"},
    {HESSE_SECTION_GROUPS, "spectra/blocks/BLOCK", NULL, HESSE_CONTENT_GROUP, .draw = 4,
     .shares = true,
     .description = "spectrum of the block of this name"},
    {HESSE_SECTION_GROUPS, "spectra/MATRIX/density", NULL, HESSE_CONTENT_GROUP,
     .shares = true,
     .description = "density of the eigenvalues"},
    {HESSE_SECTION_GROUPS, "spectra/MATRIX/hutchinson", NULL, HESSE_CONTENT_GROUP,
     .shares = true,
     .description = "trace and Frobenius norm by Hutchinson's estimators"},
    {HESSE_SECTION_GROUPS, "spectra/MATRIX/hutchpp", NULL, HESSE_CONTENT_GROUP,
     .shares = true,
     .description = "trace and Frobenius norm by Hutch++"},
    {HESSE_SECTION_GROUPS, "metrics", NULL, HESSE_CONTENT_GROUP, .draw = 3, .shares = true,
     .description =
         "block by block: distances of spectra, norms of off-diagonal pieces"},
    {HESSE_SECTION_GROUPS, "measures", NULL, HESSE_CONTENT_GROUP, .draw = 7, .in_1 = "",
     .shares = true, .description = "what is measured besides spectra"},
    {HESSE_SECTION_GROUPS, "measures/directions", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .description = "curvature along given directions d; d_b is d in block b, else 0"},
    {HESSE_SECTION_GROUPS, "measures/directions/SHARE", NULL, HESSE_CONTENT_GROUP,
     .in_1 = "",
     .description = "curvature of the share S of this name"},
    {HESSE_SECTION_GROUPS, "measures/directions/SHARE/between", NULL,
     HESSE_CONTENT_GROUP, .in_1 = "",
     .description = "a matrix for every direction, named by its number from 0"},
    {HESSE_SECTION_GROUPS, "measures/block_error", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .description = "how far a matrix is from its diagonal blocks"},
    {HESSE_SECTION_GROUPS, "measures/block_error/SHARE", NULL, HESSE_CONTENT_GROUP,
     .in_1 = "",
     .description = "comparison of the share S of this name with BD, which is S without "
                    "its off-diagonal blocks"},
    {HESSE_SECTION_GROUPS, "measures/scaling", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .shares = true, .description = "how a share was scaled"},
    {HESSE_SECTION_GROUPS, "measures/index", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .shares = true, .description = "numbers of eigenvalues below some values"},
    {HESSE_SECTION_GROUPS, "measures/kronecker", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .description = "how close blocks are to Kronecker products"},
    {HESSE_SECTION_GROUPS, "measures/kronecker/SHARE", NULL, HESSE_CONTENT_GROUP,
     .in_1 = "",
     .description =
         "comparison of the blocks S of the share of this name with products A (x) B. "
         "Numbers are NaN where S was not formed, where S is not of a rectangle of one "
         "matrix of parameters, where S or A (x) B is 0, and where A and B are not "
         "defined (docs/math.md, section 14)"},
    {HESSE_SECTION_GROUPS, "hessian", NULL, HESSE_CONTENT_GROUP, .draw = 8, .shares = true,
     .description = "the matrix itself"},
    {HESSE_SECTION_GROUPS, "hessian/blocks", NULL, HESSE_CONTENT_GROUP, .shares = true,
     .description = "the diagonal blocks of the matrix"},
    {HESSE_SECTION_GROUPS, "parts", NULL, HESSE_CONTENT_GROUP, .draw = 9,
     .description = "shares of the Hessian; each group repeats the shape of the root"},
    {HESSE_SECTION_GROUPS, "parts/SHARE", NULL, HESSE_CONTENT_GROUP,
     .description = "a share of the Hessian"},
    {HESSE_SECTION_GROUPS, "series", NULL, HESSE_CONTENT_GROUP, .draw = 1,
     .description = "of a series of checkpoints: numbers of all steps side by side"},
    {HESSE_SECTION_GROUPS, "series/full", NULL, HESSE_CONTENT_GROUP, .draw = 2, .shares = true,
     .description = "numbers of the full matrix at all steps"},
    {HESSE_SECTION_GROUPS, "series/parts", NULL, HESSE_CONTENT_GROUP, .draw = 9,
     .description = "shares of the Hessian at all steps"},
    {HESSE_SECTION_GROUPS, "series/parts/SHARE", NULL, HESSE_CONTENT_GROUP,
     .description = "numbers of a share of the Hessian at all steps"},
    {HESSE_SECTION_GROUPS, "steps", NULL, HESSE_CONTENT_GROUP, .draw = 9,
     .description = "the results of the steps of a series"},
    {HESSE_SECTION_GROUPS, "steps/STEP", NULL, HESSE_CONTENT_GROUP,
     .description =
         "the result of one step; it repeats the shape of the root of a file with one "
         "result, with the attributes loss, checkpoint_sha256 and checkpoint_note"},

    /* Ranks */
    {HESSE_SECTION_RANKS, "ranks/busy_predicted", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, predicted),
     .description =
         "what the schedule, and rates measured at the start, give for busy"},
    {HESSE_SECTION_RANKS, "ranks/busy", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, busy),
     .description = "assembly, exchange, eigenvalues and quadratures"},
    {HESSE_SECTION_RANKS, "ranks/assembly", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, assembly),
     .description = "computing panels"},
    {HESSE_SECTION_RANKS, "ranks/exchange", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, exchange),
     .description = "bringing panels to their owners, waiting for them included"},
    {HESSE_SECTION_RANKS, "ranks/eigenvalues", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, eigenvalues),
     .description =
         "solving and checking, waiting for ranks of the same group included"},
    {HESSE_SECTION_RANKS, "ranks/lanczos", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, lanczos),
     .description = "quadratures of matrices that are not formed"},
    {HESSE_SECTION_RANKS, "ranks/matrices", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, matrices),
     .description = "writing matrices"},
    {HESSE_SECTION_RANKS, "ranks/idle", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "s", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, idle),
     .description = "waiting for the other ranks to finish their blocks"},
    {HESSE_SECTION_RANKS, "ranks/memory_peak", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROCESS}, .units = "byte", .source = HESSE_SOURCE_RANK,
     .offset = offsetof(hesse_rank_report, memory),
     .description =
         "most memory of the process, the program and its libraries included"},

    /* Parameters and coordinates */
    {HESSE_SECTION_PARAMETERS, "parameters/name", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_TENSOR}, .units = "1",
     .description =
         "name of the parameter; query, key and value have names of their own"},
    {HESSE_SECTION_PARAMETERS, "parameters/tensor", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_TENSOR}, .units = "1",
     .description = "the checkpoint's tensor that holds it"},
    {HESSE_SECTION_PARAMETERS, "parameters/shape", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_TENSOR, HESSE_AXIS_SIDE}, .units = "1",
     .description =
         "rows and columns, row-major as the checkpoint stores it; a vector has one "
         "row"},
    {HESSE_SECTION_PARAMETERS, "parameters/offset", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_TENSOR}, .units = "1",
     .description = "place of its first element in the parameter vector"},
    {HESSE_SECTION_PARAMETERS, "parameters/size", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_TENSOR}, .units = "1",
     .description = "number of elements"},
    {HESSE_SECTION_PARAMETERS, "parameter_tensor", NULL, HESSE_CONTENT_TEXT, .in_1 = "",
     .axes = {HESSE_AXIS_TENSOR}, .units = "1",
     .description = "parameters/name again, as the coordinates of its dimension"},
    {HESSE_SECTION_PARAMETERS, "parameter", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_PARAMETER}, .units = "1",
     .description =
         "index of a coordinate of the gradient and of full matrices, from 0"},
    {HESSE_SECTION_PARAMETERS, "gradient", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PARAMETER}, .units = GRADIENT,
     .description = "gradient of the loss, block by block in the order of blocks/name"},

    /* Blocks */
    {HESSE_SECTION_BLOCKS, "blocks/name", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "name of the block: the checkpoint's name of the tensor, with .query, "
         ".head.3, .neuron.17 where it is a slice"},
    {HESSE_SECTION_BLOCKS, "block", NULL, HESSE_CONTENT_TEXT, .in_1 = "",
     .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description = "blocks/name again, as the coordinates of its dimension"},
    {HESSE_SECTION_BLOCKS, "blocks/offset", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "place of its first coordinate in the gradient and in full matrices"},
    {HESSE_SECTION_BLOCKS, "blocks/size", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description = "number of coordinates, n"},
    {HESSE_SECTION_BLOCKS, "blocks/method", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .description =
         "how the spectrum was computed: exact; lanczos: by quadrature, and all "
         "numbers are estimates; none: it was not computed"},
    {HESSE_SECTION_BLOCKS, "blocks/engine", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .description = "the eigensolver: small, band, lapack, scalapack, elpa, lanczos or none"},
    {HESSE_SECTION_BLOCKS, "blocks/estimated", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true, .in_1 = "",
     .description =
         "why the spectrum is estimated by quadrature and not computed: as asked, memory "
         "or time, which did not suffice, library limit; no: it is not estimated"},
    {HESSE_SECTION_BLOCKS, "blocks/trace", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, trace),
     .description = "sum of the diagonal"},
    {HESSE_SECTION_BLOCKS, "blocks/frobenius", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, frobenius),
     .description = "Frobenius norm"},
    {HESSE_SECTION_BLOCKS, "blocks/min", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, min),
     .description = "smallest eigenvalue"},
    {HESSE_SECTION_BLOCKS, "blocks/max", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, max),
     .description = "largest eigenvalue"},
    {HESSE_SECTION_BLOCKS, "blocks/condition", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, condition),
     .description =
         "largest over smallest |eigenvalue| above the noise floor; NaN for a zero "
         "matrix"},
    {HESSE_SECTION_BLOCKS, "blocks/robust_condition", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true, .in_1 = "",
     .source = HESSE_SOURCE_MEASURES,
     .offset = offsetof(hesse_measures, robust_condition),
     .description =
         "largest eigenvalue over the lower median of |eigenvalue|; infinite if this "
         "median is not above the noise floor; NaN for a zero matrix and for estimates"},
    {HESSE_SECTION_BLOCKS, "blocks/negative_mass", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES,
     .offset = offsetof(hesse_measures, negative_mass),
     .description =
         "sum of |negative eigenvalues| over sum of |eigenvalues|, above the noise "
         "floor"},
    {HESSE_SECTION_BLOCKS, "blocks/effective_rank", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES,
     .offset = offsetof(hesse_measures, effective_rank),
     .description =
         "exp of the entropy of |eigenvalue| / sum of |eigenvalues|; 0 for a zero "
         "matrix"},
    {HESSE_SECTION_BLOCKS, "blocks/trace_per_parameter", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES,
     .offset = offsetof(hesse_measures, trace_per_parameter),
     .description = "trace / size"},
    {HESSE_SECTION_BLOCKS, "blocks/gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = GRADIENT, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES,
     .offset = offsetof(hesse_measures, gradient_norm),
     .description = "2-norm of the block's entries of the gradient"},
    {HESSE_SECTION_BLOCKS, "blocks/dominance", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, dominance),
     .description = "sum of |H_ii| over sum of |H_ij|: 1 for a diagonal matrix"},
    {HESSE_SECTION_BLOCKS, "blocks/noise_floor", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_MEASURES, .offset = offsetof(hesse_measures, noise_floor),
     .description =
         "n eps max |eigenvalue|: eigenvalues closer to 0 than this are rounding"},
    {HESSE_SECTION_BLOCKS, "blocks/trace_error", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_ERRORS, .offset = offsetof(hesse_errors, trace),
     .description =
         "standard error of the trace over probes (NaN for one probe); 0: it is exact"},
    {HESSE_SECTION_BLOCKS, "blocks/frobenius_error", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .shares = true, .full = true,
     .source = HESSE_SOURCE_ERRORS, .offset = offsetof(hesse_errors, frobenius),
     .description =
         "standard error of the Frobenius norm over probes (NaN for one probe); 0: it "
         "is exact"},
    {HESSE_SECTION_BLOCKS, "blocks/check_trace", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "proof_trace", .shares = true,
     .full = true, .source = HESSE_SOURCE_SPECTRUM,
     .offset = offsetof(hesse_spectrum, check_trace),
     .description = "|sum of eigenvalues - trace| / Frobenius norm"},
    {HESSE_SECTION_BLOCKS, "blocks/check_frobenius", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "proof_frobenius",
     .shares = true, .full = true, .source = HESSE_SOURCE_SPECTRUM,
     .offset = offsetof(hesse_spectrum, check_frobenius),
     .description =
         "|sum of squared eigenvalues - Frobenius norm^2| / Frobenius norm^2"},
    {HESSE_SECTION_BLOCKS, "blocks/check_symmetry", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "proof_symmetry",
     .shares = true, .full = true, .source = HESSE_SOURCE_SPECTRUM,
     .offset = offsetof(hesse_spectrum, check_symmetry),
     .description =
         "largest defect of entries seen twice (H_ij against H_ji, and against a "
         "sample computed another way) / (Frobenius norm + |loss| / 10^4, in single "
         "precision 10^2)"},
    {HESSE_SECTION_BLOCKS, "blocks/seconds", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "s", .shares = true, .full = true,
     .source = HESSE_SOURCE_ERRORS, .offset = offsetof(hesse_errors, seconds),
     .description = "wall time of assembly and solution, or of the quadrature"},

    {HESSE_SECTION_BLOCKS, "blocks/condition_ratio", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "", .shares = true, .full = true,
     .description =
         "of a scaled share: condition number of the share that was scaled / that here"},
    {HESSE_SECTION_BLOCKS, "blocks/tail_exponent", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "", .shares = true, .full = true,
     .description =
         "exponent of the power law that fits the largest eigenvalues best; this number "
         "and the next three are NaN without a fit, and for estimated spectra"},
    {HESSE_SECTION_BLOCKS, "blocks/tail_minimum", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = HESSIAN, .in_1 = "", .shares = true,
     .full = true,
     .description = "eigenvalue at which the tail begins"},
    {HESSE_SECTION_BLOCKS, "blocks/tail_count", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "", .shares = true, .full = true,
     .description = "eigenvalues in the tail"},
    {HESSE_SECTION_BLOCKS, "blocks/tail_distance", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "", .shares = true, .full = true,
     .description =
         "Kolmogorov-Smirnov distance of the eigenvalues in the tail and the power law"},

    /* Spectra */
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/eigenvalues", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_RANK}, .units = HESSIAN, .shares = true,
     .description = "eigenvalues, ascending"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/eigenvectors", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_VECTOR, HESSE_AXIS_COORDINATE}, .units = "1", .shares = true,
     .description =
         "eigenvectors of the lowest and then of the highest eigenvalues, ascending; "
         "one a row, of 2-norm 1"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/inverse_participation", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_VECTOR}, .units = "1", .in_1 = "",
     .shares = true,
     .description =
         "inverse participation ratio of every stored eigenvector v: sum of v_i^4 over "
         "squared sum of v_i^2, from 1/n (equal entries) to 1 (a single one)"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/residuals", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PAIR}, .units = HESSIAN, .shares = true,
     .description = "2-norm of H q - lambda q for every eigenpair"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/extreme_eigenvalues", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_PAIR}, .units = HESSIAN, .shares = true,
     .description =
         "the lowest and then the highest eigenvalues of a matrix that is not formed, "
         "ascending, each within its residual of an eigenvalue"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/diagonal", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_COORDINATE}, .units = HESSIAN, .shares = true,
     .description = "estimate of the diagonal of a matrix that is not formed"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/diagonal_error", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_COORDINATE}, .units = HESSIAN,
     .shares = true,
     .description = "standard error of the diagonal over the probes"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchinson/trace", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "mean of z' H z over the probes"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchinson/trace_error", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "standard error of the trace"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchinson/frobenius", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "Frobenius norm, by the mean of |H z|^2 over the probes"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchinson/frobenius_error", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "standard error of the Frobenius norm"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchpp/trace", NULL, HESSE_CONTENT_NUMBER,
     .units = HESSIAN, .shares = true,
     .description =
         "the trace within the space of a sketch, and the mean over the probes of the "
         "rest"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchpp/trace_error", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "standard error of the trace"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchpp/frobenius", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "Frobenius norm, with the space of the sketch exact"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/hutchpp/frobenius_error", NULL,
     HESSE_CONTENT_NUMBER, .units = HESSIAN, .shares = true,
     .description = "standard error of the Frobenius norm"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/nodes", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROBE, HESSE_AXIS_STEP}, .units = HESSIAN, .shares = true,
     .description = "nodes of every probe's Gauss quadrature, ascending: Ritz values"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/weights", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PROBE, HESSE_AXIS_STEP}, .units = "1", .shares = true,
     .description = "weights of the nodes; those of a probe sum to 1"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/taken", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_PROBE}, .units = "1", .shares = true,
     .description =
         "steps until a probe's Krylov space was used up; later nodes repeat the last, "
         "with weight 0"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/extreme_bounds", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_PROBE, HESSE_AXIS_END},
     .units = HESSIAN, .shares = true,
     .description =
         "bound on the distance of a probe's first and last node from an eigenvalue"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/negative_bounds", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_PROBE, HESSE_AXIS_LIMIT}, .units = "1",
     .shares = true,
     .description =
         "Gauss-Radau bounds of the weight of a probe's measure on eigenvalues below "
         "0"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/density/grid", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_GRID}, .units = HESSIAN, .scaled = "1", .shares = true,
     .description = "eigenvalue, equally spaced; over the 10th largest if units are 1"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/density/values", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .axes = {HESSE_AXIS_GRID}, .units = DENSITY, .scaled = "1",
     .shares = true,
     .description =
         "density of the eigenvalues, Gaussian kernel; its sum times the grid's step "
         "is 1"},
    {HESSE_SECTION_SPECTRA, "spectra/MATRIX/density/standard_error", NULL,
     HESSE_CONTENT_NUMBER, .axes = {HESSE_AXIS_GRID}, .units = DENSITY, .scaled = "1",
     .shares = true,
     .description = "standard error of the density over the probes"},

    /* Attributes of spectra */
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "points",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "points of the grid"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "first",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "first point of the grid"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "last",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "last point of the grid"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "step",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "distance of two points of the grid"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "bandwidth",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "bandwidth as the job asks for it"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values",
     "bandwidth_unit", HESSE_CONTENT_TEXT, .shares = true,
     .description =
         "range of the eigenvalues: it is a fraction of their range; or eigenvalue"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values", "deviation",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "standard deviation of the kernel on the grid"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/density/values",
     "eigenvalues_divided_by", HESSE_CONTENT_TEXT, .shares = true,
     .description =
         "1, or 10th largest of the block: its absolute value; the smallest where "
         "there are fewer than 10"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/nodes", "reorthogonalisation",
     HESSE_CONTENT_TEXT, .shares = true,
     .description = "how the vectors of the recurrence are kept orthogonal, in words"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/nodes", "probe_distribution",
     HESSE_CONTENT_TEXT, .shares = true,
     .description = "distribution of the probes, in words"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/nodes", "seed",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "seed of the probes"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues",
     "tolerance", HESSE_CONTENT_NUMBER, .shares = true,
     .description = "relative tolerance of the residuals"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues",
     "converged", HESSE_CONTENT_WHOLE, .shares = true,
     .description =
         "1: all residuals are within the tolerance, and a search among vectors "
         "orthogonal to these has found no others"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues",
     "products", HESSE_CONTENT_WHOLE, .shares = true,
     .description = "vectors that were multiplied"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues", "block",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "vectors multiplied at once"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues", "seed",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "seed of the first vectors"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues", "seconds",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "wall time in seconds"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/extreme_eigenvalues", "noise",
     HESSE_CONTENT_NUMBER, .in_1 = "", .shares = true,
     .description =
         "what rounding alone makes of the product with a vector of length 1"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "probes",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "number of probes"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "sketch",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "vectors of the sketch; 0: none"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "probe_distribution",
     HESSE_CONTENT_TEXT, .shares = true,
     .description = "distribution of the entries of a probe, in words"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "seed",
     HESSE_CONTENT_WHOLE, .shares = true,
     .description = "seed of the probes"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "seconds",
     HESSE_CONTENT_NUMBER, .shares = true,
     .description = "wall time in seconds"},
    {HESSE_SECTION_SPECTRA_ATTRIBUTES, "spectra/MATRIX/diagonal", "noise",
     HESSE_CONTENT_NUMBER, .in_1 = "", .shares = true,
     .description =
         "what rounding alone makes of the product with a vector of length 1"},

    /* Metrics */
    {HESSE_SECTION_METRICS, "metrics/js", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = "nat", .shares = true,
     .description =
         "Jensen-Shannon divergence of the densities of two blocks on one grid, at "
         "most ln 2"},
    {HESSE_SECTION_METRICS, "metrics/js_distance", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = "nat^(1/2)",
     .shares = true,
     .description = "square root of the Jensen-Shannon divergence of the densities"},
    {HESSE_SECTION_METRICS, "metrics/js_raw", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = "nat parameter^2 / loss",
     .scaled = "nat", .shares = true,
     .description =
         "Jensen-Shannon divergence, summed over the grid without its step: js / step"},
    {HESSE_SECTION_METRICS, "metrics/js_log", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = "nat", .shares = true,
     .description =
         "Jensen-Shannon divergence of histograms of log(max(eigenvalue, 0) + 1e-12) "
         "in 64 bins"},
    {HESSE_SECTION_METRICS, "metrics/wasserstein", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = HESSIAN, .scaled = "1",
     .shares = true,
     .description =
         "Wasserstein-1 distance of the eigenvalues as atoms of equal mass, or of the "
         "nodes of a quadrature with their weights"},
    {HESSE_SECTION_METRICS, "metrics/coupling", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = HESSIAN, .shares = true,
     .description =
         "Frobenius norm of the piece of the matrix between two blocks, where the full "
         "matrix was formed"},

    /* Attributes of metrics */
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "js0", HESSE_CONTENT_NUMBER,
     .shares = true,
     .description = "mean over all pairs of blocks"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "eigenvalues_divided_by",
     HESSE_CONTENT_TEXT, .shares = true,
     .description =
         "1, or 10th largest of the block: its absolute value; the smallest where "
         "there are fewer than 10"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "points",
     HESSE_CONTENT_WHOLE, .shares = true, .optional = true,
     .description = "points of the grid"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "first",
     HESSE_CONTENT_NUMBER, .shares = true, .optional = true,
     .description = "first point of the grid"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "last",
     HESSE_CONTENT_NUMBER, .shares = true, .optional = true,
     .description = "last point of the grid"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "step",
     HESSE_CONTENT_NUMBER, .shares = true, .optional = true,
     .description = "distance of two points of the grid"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "bandwidth",
     HESSE_CONTENT_NUMBER, .shares = true, .optional = true,
     .description = "bandwidth as the job asks for it"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "bandwidth_unit",
     HESSE_CONTENT_TEXT, .shares = true, .optional = true,
     .description =
         "range of all eigenvalues: it is a fraction of their range; or eigenvalue"},
    {HESSE_SECTION_METRICS_ATTRIBUTES, "metrics/DISTANCE", "deviation",
     HESSE_CONTENT_NUMBER, .shares = true, .optional = true,
     .description = "standard deviation of the kernel on the grid"},

    /* Measures */
    {HESSE_SECTION_MEASURES, "direction", NULL, HESSE_CONTENT_TEXT, .in_1 = "",
     .axes = {HESSE_AXIS_DIRECTION}, .units = "1",
     .description = "the directions, as `measures.directions` has them"},
    {HESSE_SECTION_MEASURES, "measures/directions/norm", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_DIRECTION}, .units = "parameter",
     .description = "|d|"},
    {HESSE_SECTION_MEASURES, "measures/directions/block_norm", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION, HESSE_AXIS_BLOCK},
     .units = "parameter",
     .description = "|d_b|"},
    {HESSE_SECTION_MEASURES, "measures/directions/gradient_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION}, .units = "1",
     .description = "cosine of the angle between d and the gradient"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/quadratic", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION}, .units = "loss",
     .description = "d' S d"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/rayleigh", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION}, .units = HESSIAN,
     .description = "d' S d / |d|^2"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/product", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "",
     .axes = {HESSE_AXIS_DIRECTION, HESSE_AXIS_PARAMETER}, .units = GRADIENT,
     .description = "S d, in the order of gradient, with output.products"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/block_quadratic", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION, HESSE_AXIS_BLOCK},
     .units = "loss",
     .description = "d_b' S d_b"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/between/DIRECTION", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "",
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_OTHER_BLOCK}, .units = "loss",
     .description = "d_b' S d_c for all pairs of blocks; the sum is d' S d"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/in_top", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION}, .units = "1",
     .description =
         "|V' d|^2 / |d|^2 with the stored eigenvectors V of the highest eigenvalues of "
         "the full matrix; NaN where none are stored"},
    {HESSE_SECTION_MEASURES, "measures/directions/SHARE/block_in_top", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_DIRECTION, HESSE_AXIS_BLOCK},
     .units = "1",
     .description = "the same for d_b and the eigenvectors of block b"},
    {HESSE_SECTION_MEASURES, "block_error_partition", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_PARTITION}, .units = "1",
     .description = "partitions of all parameters, as `measures.block_error` has them"},
    {HESSE_SECTION_MEASURES, "block_error_vector", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_TEST_VECTOR}, .units = "1",
     .description =
         "vectors v: random with independent normal entries, the gradient, and the "
         "eigenvectors of the highest eigenvalues of the full matrix, the highest "
         "first"},
    {HESSE_SECTION_MEASURES, "measures/block_error/blocks", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_PARTITION}, .units = "1",
     .description = "number of blocks of the partition"},
    {HESSE_SECTION_MEASURES, "measures/block_error/SHARE/error", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "",
     .axes = {HESSE_AXIS_PARTITION, HESSE_AXIS_TEST_VECTOR}, .units = "1",
     .description = "|(S - BD) v| / |S v|"},
    {HESSE_SECTION_MEASURES, "measures/block_error/SHARE/cosine", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "",
     .axes = {HESSE_AXIS_PARTITION, HESSE_AXIS_TEST_VECTOR}, .units = "1",
     .description = "cosine of the angle between S v and BD v"},
    {HESSE_SECTION_MEASURES, "measures/block_error/SHARE/outside", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_PARTITION}, .units = "1",
     .description =
         "squared Frobenius norm of S - BD over that of S, where the full matrix was "
         "formed by this partition or a finer one, else NaN"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/nearest_error", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "The nearest Kronecker product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/nearest_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/kfac_error", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "K-FAC: sums over tokens of g g' and x x', by the labels of the data"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/kfac_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_error", NULL,
     HESSE_CONTENT_NUMBER, .draw = 1, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "Shampoo: (W W')^1/2 and (W' W)^1/2 of the gradient W"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_square_error", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "Shampoo's square: W W' and W' W"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_square_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_examples_error", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "Shampoo with sums over examples: (sum W_e W_e')^1/2 and (sum W_e' W_e)^1/2"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_examples_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_examples_square_error", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "|S - c A (x) B| / |S| in the Frobenius norm with the best number c. "
         "The square of Shampoo with sums over examples: sum W_e W_e' and sum W_e' W_e"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/shampoo_examples_square_cosine", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "cosine of the angle between S and A (x) B for the same product"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/diagonal", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "share of the squared Frobenius norm of S that is on the diagonal"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/same_output", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "share of the squared Frobenius norm of S that is between two parameters of the same output neuron, the diagonal included"},
    {HESSE_SECTION_MEASURES, "measures/kronecker/SHARE/same_input", NULL,
     HESSE_CONTENT_NUMBER, .in_1 = "", .axes = {HESSE_AXIS_BLOCK}, .units = "1",
     .description =
         "share of the squared Frobenius norm of S that is between two parameters of the same input, the diagonal included"},

    /* Attributes of measures */
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/directions", "products",
     HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "vectors that were multiplied"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/directions", "seconds",
     HESSE_CONTENT_NUMBER, .in_1 = "",
     .description = "wall time in seconds"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/block_error", "products",
     HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "vectors that were multiplied"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/block_error", "seconds",
     HESSE_CONTENT_NUMBER, .in_1 = "",
     .description = "wall time in seconds"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/block_error", "seed",
     HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "seed of the random vectors"},
    /* Measures besides spectra */
    {HESSE_SECTION_MEASURES, "measures/scaling/divisor", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_PARAMETER}, .units = "D", .in_1 = "", .shares = true,
     .description =
         "of a share NAME_scaled: the diagonal of D in D^(-1/2) A D^(-1/2), for A of the "
         "share NAME, block by block in the order of blocks/name"},

    {HESSE_SECTION_MEASURES, "measures/index/value", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_VALUE}, .units = HESSIAN, .in_1 = "", .shares = true,
     .description = "values t below which eigenvalues are counted"},
    {HESSE_SECTION_MEASURES, "measures/index/below", NULL, HESSE_CONTENT_WHOLE, .draw = 1,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_VALUE}, .units = "1", .in_1 = "",
     .shares = true,
     .description =
         "eigenvalues of a block below t, by the inertia of A - t I; -1: not counted, "
         "because the matrix was not formed or a rank had no memory for a copy"},
    {HESSE_SECTION_MEASURES, "measures/index/uncertain", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_BLOCK, HESSE_AXIS_VALUE}, .units = "1", .in_1 = "",
     .shares = true,
     .description =
         "eigenvalues of the spectrum that are nearer to t than the noise floor, so "
         "that rounding decides on their side; -1: not counted"},
    {HESSE_SECTION_MEASURES, "measures/index/full_below", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_VALUE}, .units = "1", .in_1 = "", .shares = true,
     .description = "the same number as below, of the full matrix"},
    {HESSE_SECTION_MEASURES, "measures/index/full_uncertain", NULL,
     HESSE_CONTENT_WHOLE, .axes = {HESSE_AXIS_VALUE}, .units = "1", .in_1 = "",
     .shares = true,
     .description = "the same number as uncertain, of the full matrix"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/kronecker", "left_out",
     HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "formed matrices that were not measured, because memory was short"},
    {HESSE_SECTION_MEASURES_ATTRIBUTES, "measures/kronecker", "seconds",
     HESSE_CONTENT_NUMBER, .in_1 = "",
     .description = "wall time in seconds"},

    /* Matrices */
    {HESSE_SECTION_MATRICES, "hessian/full", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_PARAMETER, HESSE_AXIS_OTHER_PARAMETER}, .units = HESSIAN,
     .shares = true,
     .description =
         "the full matrix, both triangles, block by block in the order of blocks/name"},
    {HESSE_SECTION_MATRICES, "hessian/blocks/BLOCK", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_ROW, HESSE_AXIS_COLUMN}, .units = HESSIAN, .shares = true,
     .description = "the diagonal block of this name, both triangles"},

    /* The log of a training run */
    {HESSE_SECTION_TRAIN, "step", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_TRAIN_STEP}, .units = "1", .in_1 = "",
     .description = "steps taken before this one; the scale of the log's rows"},
    {HESSE_SECTION_TRAIN, "loss", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_TRAIN_STEP}, .units = "loss", .in_1 = "",
     .description = "loss of the step's batch, before the step"},
    {HESSE_SECTION_TRAIN, "learning_rate", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_TRAIN_STEP}, .units = "1", .in_1 = "",
     .description = "learning rate of the step"},
    {HESSE_SECTION_TRAIN, "gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_TRAIN_STEP, HESSE_AXIS_TRAIN_TENSOR}, .units = GRADIENT,
     .in_1 = "",
     .description = "norm of each tensor's gradient, before it is clipped"},
    {HESSE_SECTION_TRAIN, "update_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_TRAIN_STEP, HESSE_AXIS_TRAIN_TENSOR}, .units = "parameter",
     .in_1 = "",
     .description = "norm of each tensor's change by the step"},
    {HESSE_SECTION_GROUPS, "training", NULL, HESSE_CONTENT_GROUP, .draw = 1, .in_1 = "",
     .description = "the loss of every step as a picture"},
    {HESSE_SECTION_TRAIN, "training/step", NULL, HESSE_CONTENT_WHOLE, .link = "step",
     .axes = {HESSE_AXIS_TRAIN_STEP}, .units = "1", .in_1 = "",
     .description = "a link to `/step`"},
    {HESSE_SECTION_TRAIN, "training/loss", NULL, HESSE_CONTENT_NUMBER, .link = "loss",
     .draw = 1, .axes = {HESSE_AXIS_TRAIN_STEP}, .units = "loss", .in_1 = "",
     .description = "a link to `/loss`"},
    {HESSE_SECTION_GROUPS, "evaluate", NULL, HESSE_CONTENT_GROUP, .draw = 6, .in_1 = "",
     .description = "evaluations of held-out examples"},
    {HESSE_SECTION_TRAIN, "evaluate/step", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_EVALUATION}, .units = "1", .in_1 = "",
     .description = "steps taken before the evaluation"},
    {HESSE_SECTION_TRAIN, "evaluate/loss", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_EVALUATION}, .units = "loss", .in_1 = "",
     .description = "loss of the held-out examples"},
    {HESSE_SECTION_TRAIN, "evaluate/accuracy", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_EVALUATION}, .units = "1", .in_1 = "",
     .description = "fraction of their targets that have the largest output; NaN for "
                    "losses without classes"},
    {HESSE_SECTION_GROUPS, "path", NULL, HESSE_CONTENT_GROUP, .draw = 6, .in_1 = "",
     .description = "measures along the run, where the job asks for them"},
    {HESSE_SECTION_TRAIN, "path/step", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "steps taken before the measured one"},
    {HESSE_SECTION_TRAIN, "path/gradient_norm", NULL, HESSE_CONTENT_NUMBER, .draw = 2,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = GRADIENT, .in_1 = "",
     .description = "norm of the gradient of the measured examples: the step's batch or all "
                    "held-out ones"},
    {HESSE_SECTION_TRAIN, "path/smoothness", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = HESSIAN, .in_1 = "",
     .description = "directional smoothness d'Hd / d'd along the update d"},
    {HESSE_SECTION_TRAIN, "path/gradient_smoothness", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = HESSIAN, .in_1 = "",
     .description = "largest |difference of gradients| / distance between the parameters "
                    "before the step and points towards those after it"},
    {HESSE_SECTION_TRAIN, "path/instability", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "output^2 / parameter^2", .in_1 = "",
     .description = "squared change of all outputs in the step over that of the parameters"},
    {HESSE_SECTION_TRAIN, "path/sharpness", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = HESSIAN, .in_1 = "",
     .description = "largest eigenvalue of the Hessian, by Lanczos"},
    {HESSE_SECTION_TRAIN, "path/threshold", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = HESSIAN, .in_1 = "",
     .description = "largest sharpness at which this learning rate and momentum are "
                    "stable on a quadratic; NaN for other optimisers than gd and sgd"},
    {HESSE_SECTION_TRAIN, "path/preconditioned_sharpness", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "largest eigenvalue of P^-1/2 H P^-1/2 with Adam's preconditioner P"},
    {HESSE_SECTION_TRAIN, "path/preconditioned_threshold", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "largest preconditioned sharpness at which Adam is stable on a "
                    "quadratic"},
    {HESSE_SECTION_TRAIN, "path/noise_mean", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = GRADIENT, .in_1 = "",
     .description = "mean of path/noise"},
    {HESSE_SECTION_TRAIN, "path/noise_deviation", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = GRADIENT, .in_1 = "",
     .description = "standard deviation of path/noise"},
    {HESSE_SECTION_TRAIN, "path/noise_skewness", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "skewness of path/noise"},
    {HESSE_SECTION_TRAIN, "path/noise_kurtosis", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "excess kurtosis of path/noise"},
    {HESSE_SECTION_TRAIN, "path/noise_tail_index", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "tail index of path/noise, by Hill's estimator from the largest tenth"},
    {HESSE_SECTION_TRAIN, "path/robust_condition", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "largest over lower median of the absolute diagonal of the Hessian"},
    {HESSE_SECTION_TRAIN, "path/critical_rate", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT}, .units = "1", .in_1 = "",
     .description = "learning rate from which on a step along this update does not lower "
                    "the loss of its batch"},
    {HESSE_SECTION_TRAIN, "path/class_gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_CLASS}, .units = GRADIENT, .in_1 = "",
     .description = "norm of the gradient of the mean loss of examples of each class; NaN: "
                    "it has none"},
    {HESSE_SECTION_TRAIN, "path/class_trace", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_CLASS}, .units = HESSIAN, .in_1 = "",
     .description = "trace of the Hessian of this loss, from 8 random vectors"},
    {HESSE_SECTION_TRAIN, "path/group", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_TRAIN_GROUP}, .units = "1", .in_1 = "",
     .description = "groups of parameters, as those of hessian.partition: group"},
    {HESSE_SECTION_TRAIN, "path/group_gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_TRAIN_GROUP}, .units = GRADIENT,
     .in_1 = "",
     .description = "norm of each group's part of the gradient of path/gradient_norm"},
    {HESSE_SECTION_TRAIN, "path/group_smoothness", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_TRAIN_GROUP}, .units = HESSIAN,
     .in_1 = "",
     .description = "d'Hd / d'd along each group's part d of the update; NaN: it did not "
                    "move"},
    {HESSE_SECTION_TRAIN, "path/group_sharpness", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_TRAIN_GROUP}, .units = HESSIAN,
     .in_1 = "",
     .description = "largest eigenvalue of each group's diagonal block of the Hessian, by "
                    "Lanczos; NaN: nothing of it is trained"},
    {HESSE_SECTION_TRAIN, "path/noise", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_MEASUREMENT, HESSE_AXIS_BATCH}, .units = GRADIENT, .in_1 = "",
     .description = "distances of the gradients of K mini-batches from that of all "
                    "examples, ascending; they give quantile-quantile plots"},

    /* Attributes of the log */
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_optimiser", HESSE_CONTENT_TEXT, .in_1 = "",
     .description = "optimiser of the run"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_learning_rate", HESSE_CONTENT_NUMBER,
     .in_1 = "", .description = "learning rate of the run, before its schedule"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_weight_decay", HESSE_CONTENT_NUMBER,
     .in_1 = "", .description = "weight decay"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_momentum", HESSE_CONTENT_NUMBER,
     .in_1 = "", .description = "momentum"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_seed", HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "seed of the order of the examples"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_batch", HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "examples of a step"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_held_out", HESSE_CONTENT_WHOLE, .in_1 = "",
     .description = "held-out examples"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_failure", HESSE_CONTENT_TEXT,
     .in_1 = "", .optional = true, .description = "why the run ended before its last step"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "train_seconds", HESSE_CONTENT_NUMBER, .in_1 = "",
     .description = "wall time of the steps of the last start of the run"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "l0", HESSE_CONTENT_NUMBER, .in_1 = "",
     .optional = true,
     .description = "L0 of the least-squares fit of path/smoothness by L0 + L1 times "
                    "path/gradient_norm"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "l1", HESSE_CONTENT_NUMBER, .in_1 = "",
     .optional = true, .description = "L1 of that fit"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "smoothness_correlation", HESSE_CONTENT_NUMBER,
     .in_1 = "", .optional = true,
     .description = "Pearson's correlation of the logarithms of path/smoothness and "
                    "path/gradient_norm, where both are above 0"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "smoothness_rank_correlation",
     HESSE_CONTENT_NUMBER, .in_1 = "", .optional = true,
     .description = "Spearman's correlation of path/smoothness and path/gradient_norm"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "gradient_l0", HESSE_CONTENT_NUMBER, .in_1 = "",
     .optional = true,
     .description = "L0 of the least-squares fit of path/gradient_smoothness by L0 + L1 "
                    "times path/gradient_norm"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "gradient_l1", HESSE_CONTENT_NUMBER, .in_1 = "",
     .optional = true, .description = "L1 of that fit"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "gradient_smoothness_correlation",
     HESSE_CONTENT_NUMBER, .in_1 = "", .optional = true,
     .description = "Pearson's correlation of the logarithms of path/gradient_smoothness "
                    "and path/gradient_norm, where both are above 0"},
    {HESSE_SECTION_TRAIN_ATTRIBUTES, "", "gradient_smoothness_rank_correlation",
     HESSE_CONTENT_NUMBER, .in_1 = "", .optional = true,
     .description = "Spearman's correlation of path/gradient_smoothness and "
                    "path/gradient_norm"},
    /* Series */
    {HESSE_SECTION_SERIES, "series/step", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_SERIES}, .units = "1",
     .description = "step of the checkpoint, ascending"},
    {HESSE_SECTION_SERIES, "series/checkpoint", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_SERIES}, .units = "1",
     .description = "path of the checkpoint as the program opened it"},
    {HESSE_SECTION_SERIES, "series/checkpoint_sha256", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_SERIES}, .units = "1",
     .description = "its digest; empty if it could not be read"},
    {HESSE_SECTION_SERIES, "series/failure", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_SERIES}, .units = "1",
     .description =
         "empty, or why the step has no results; its numbers are NaN then"},
    {HESSE_SECTION_SERIES, "series/loss", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_SERIES}, .units = "loss",
     .description = "the loss"},
    {HESSE_SECTION_SERIES, "series/gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = GRADIENT,
     .description = "2-norm of the gradient, of all blocks together"},
    {HESSE_SECTION_SERIES, "series/js0", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "nat", .shares = true,
     .description = "mean of metrics/js over all pairs of blocks"},
    {HESSE_SECTION_SERIES, "series/js_distance0", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "nat^(1/2)", .shares = true,
     .description = "mean of metrics/js_distance over all pairs of blocks"},
    {HESSE_SECTION_SERIES, "series/js_raw0", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "nat parameter^2 / loss", .scaled = "nat",
     .shares = true,
     .description = "mean of metrics/js_raw over all pairs of blocks"},
    {HESSE_SECTION_SERIES, "series/js_log0", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "nat", .shares = true,
     .description = "mean of metrics/js_log over all pairs of blocks"},
    {HESSE_SECTION_SERIES, "series/wasserstein0", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = HESSIAN, .scaled = "1", .shares = true,
     .description = "mean of metrics/wasserstein over all pairs of blocks"},
    {HESSE_SECTION_SERIES, "series/overlap", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES, HESSE_AXIS_BLOCK}, .units = "1", .shares = true,
     .description =
         "overlap of the stored eigenvectors of the highest eigenvalues with those of the "
         "step before: the mean squared cosine of the principal angles; NaN: one of the "
         "steps has none"},
    {HESSE_SECTION_SERIES, "series/full/overlap", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "1", .shares = true,
     .description = "the same of the full matrix"},
    {HESSE_SECTION_SERIES, "series/COLUMN", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES, HESSE_AXIS_BLOCK}, .units = "as in /blocks",
     .shares = true,
     .description =
         "the number of this name in /blocks (trace, frobenius, min, max, ...) for "
         "every step and block; /blocks/gradient_norm is block_gradient_norm here"},
    {HESSE_SECTION_SERIES, "series/full/step", NULL, HESSE_CONTENT_WHOLE,
     .link = "series/step", .axes = {HESSE_AXIS_SERIES}, .units = "1", .shares = true,
     .description = "a link to `/series/step`"},
    {HESSE_SECTION_SERIES, "series/parts/SHARE/step", NULL, HESSE_CONTENT_WHOLE,
     .link = "series/step", .axes = {HESSE_AXIS_SERIES}, .units = "1",
     .description = "a link to `/series/step`"},
    {HESSE_SECTION_SERIES, "series/full/COLUMN", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_SERIES}, .units = "as in /blocks", .shares = true,
     .description =
         "the same of the full matrix at every step, if it was asked for"},

    /* Sweeps */
    {HESSE_SECTION_GROUPS, "sweep", NULL, HESSE_CONTENT_GROUP, .draw = 1, .in_1 = "",
     .description = "of a sweep: numbers of all points and repeats side by side"},
    {HESSE_SECTION_GROUPS, "sweep/parts", NULL, HESSE_CONTENT_GROUP, .draw = 9, .in_1 = "",
     .description = "shares of the Hessian at all points"},
    {HESSE_SECTION_GROUPS, "sweep/parts/SHARE", NULL, HESSE_CONTENT_GROUP, .in_1 = "",
     .description = "numbers of a share of the Hessian at all points"},
    {HESSE_SECTION_SWEEP, "sweep/point", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT}, .units = "1",
     .description = "names of the points, in the order of the sweep"},
    {HESSE_SECTION_SWEEP, "sweep/axis", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_AXIS}, .units = "1",
     .description = "names of the axes"},
    {HESSE_SECTION_SWEEP, "sweep/label", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PLACE}, .units = "1",
     .description = "the place of a point on every axis, the axis fastest"},
    {HESSE_SECTION_SWEEP, "sweep/value", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_AXIS}, .units = "1",
     .description = "the same as a number, in the units of its key; NaN: it is none"},
    {HESSE_SECTION_SWEEP, "sweep/block", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_BLOCK}, .units = "1",
     .description = "names of the blocks of all points; full is the whole matrix"},
    {HESSE_SECTION_SWEEP, "sweep/size", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK}, .units = "1",
     .description = "parameters of a block at a point; 0: there is no such block"},
    {HESSE_SECTION_SWEEP, "sweep/run_point", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN}, .units = "1",
     .description = "the point of a run, counted from 0"},
    {HESSE_SECTION_SWEEP, "sweep/run_repeat", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN}, .units = "1",
     .description = "its repeat, counted from 0"},
    {HESSE_SECTION_SWEEP, "sweep/run_failure", NULL, HESSE_CONTENT_TEXT,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN}, .units = "1",
     .description = "empty, or what was not finite in a run"},
    {HESSE_SECTION_SWEEP, "sweep/loss", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN}, .units = "loss",
     .description = "the loss of a run; NaN: it was not found"},
    {HESSE_SECTION_SWEEP, "sweep/loss_mean", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT}, .units = "loss",
     .description = "its mean over repeats; NaN if one of them has none"},
    {HESSE_SECTION_SWEEP, "sweep/loss_mean_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT}, .units = "loss",
     .description = "standard error of that mean; NaN: there is one repeat"},
    {HESSE_SECTION_SWEEP, "sweep/frobenius", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "Frobenius norm of a block of a run: exact where it was formed, else Hutchinson's estimate, or without one that of Lanczos quadrature"},
    {HESSE_SECTION_SWEEP, "sweep/frobenius_mean", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "its mean over repeats; NaN if one of them has none"},
    {HESSE_SECTION_SWEEP, "sweep/frobenius_mean_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "standard error of that mean; NaN: there is one repeat"},
    {HESSE_SECTION_SWEEP, "sweep/trace", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "trace of a block of a run, by the same methods"},
    {HESSE_SECTION_SWEEP, "sweep/trace_mean", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "its mean over repeats; NaN if one of them has none"},
    {HESSE_SECTION_SWEEP, "sweep/trace_mean_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "standard error of that mean; NaN: there is one repeat"},
    {HESSE_SECTION_SWEEP, "sweep/min", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "smallest eigenvalue of a block of a run; NaN: it is not known"},
    {HESSE_SECTION_SWEEP, "sweep/min_mean", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "its mean over repeats; NaN if one of them has none"},
    {HESSE_SECTION_SWEEP, "sweep/min_mean_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "standard error of that mean; NaN: there is one repeat"},
    {HESSE_SECTION_SWEEP, "sweep/max", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_RUN, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "largest eigenvalue of a block of a run; NaN: it is not known"},
    {HESSE_SECTION_SWEEP, "sweep/max_mean", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "its mean over repeats; NaN if one of them has none"},
    {HESSE_SECTION_SWEEP, "sweep/max_mean_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_POINT, HESSE_AXIS_SWEEP_BLOCK},
     .units = HESSIAN, .shares = true,
     .description = "standard error of that mean; NaN: there is one repeat"},
    {HESSE_SECTION_SWEEP, "sweep/slope_axis", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_LINE}, .units = "1",
     .description = "the axis of a line of points, counted from 0; the points of a line differ only on this axis, whose values are numbers"},
    {HESSE_SECTION_SWEEP, "sweep/slope_first", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_LINE}, .units = "1",
     .description = "the first of its points"},
    {HESSE_SECTION_SWEEP, "sweep/slope", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_LINE, HESSE_AXIS_SWEEP_BLOCK},
     .units = "1", .shares = true,
     .description = "least-squares slope of log frobenius_mean against log value over the points of a line where both are finite and above 0"},
    {HESSE_SECTION_SWEEP, "sweep/slope_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_LINE, HESSE_AXIS_SWEEP_BLOCK},
     .units = "1", .shares = true,
     .description = "its standard error; NaN: there are two such points"},
    {HESSE_SECTION_SWEEP, "sweep/local_axis", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PAIR}, .units = "1",
     .description = "the axis of two neighbours on a line"},
    {HESSE_SECTION_SWEEP, "sweep/local_from", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PAIR}, .units = "1",
     .description = "the point with the smaller value"},
    {HESSE_SECTION_SWEEP, "sweep/local_to", NULL, HESSE_CONTENT_WHOLE,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PAIR}, .units = "1",
     .description = "the point with the larger value"},
    {HESSE_SECTION_SWEEP, "sweep/local_slope", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PAIR, HESSE_AXIS_SWEEP_BLOCK},
     .units = "1", .shares = true,
     .description = "slope of log frobenius_mean between two neighbours"},
    {HESSE_SECTION_SWEEP, "sweep/local_slope_error", NULL, HESSE_CONTENT_NUMBER,
     .in_1 = "", .axes = {HESSE_AXIS_SWEEP_PAIR, HESSE_AXIS_SWEEP_BLOCK},
     .units = "1", .shares = true,
     .description = "its standard error by those of the two means"},

    /* Theory */
    {HESSE_SECTION_GROUPS, "theory", NULL, HESSE_CONTENT_GROUP, .draw = 1, .in_1 = "",
     .description = "the theory of a family"},
    {HESSE_SECTION_GROUPS, "theory/path", NULL, HESSE_CONTENT_GROUP, .draw = 2, .in_1 = "",
     .description = "the run of draw 0 with each optimiser"},
    {HESSE_SECTION_GROUPS, "theory/moments", NULL, HESSE_CONTENT_GROUP, .draw = 9, .in_1 = "",
     .description = "moments of the attention of every token, if theory.moments"},
    {HESSE_SECTION_THEORY, "theory/draw", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "number k of the draw, whose seed is `model.seed` + k; the scale of the draws"},
    {HESSE_SECTION_THEORY, "theory/condition", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "condition of H, the largest over the smallest eigenvalue"},
    {HESSE_SECTION_THEORY, "theory/block_condition", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_BLOCK}, .units = "1", .in_1 = "",
     .description = "condition of every block of H"},
    {HESSE_SECTION_THEORY, "theory/preconditioned_condition", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "condition of D^(-1/2) H D^(-1/2), D the absolute first gradient"},
    {HESSE_SECTION_THEORY, "theory/condition_ratio", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "the same over the condition of H"},
    {HESSE_SECTION_THEORY, "theory/tau", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "sum of the absolute diagonal entries of H over that of all entries"},
    {HESSE_SECTION_THEORY, "theory/gd_learning_rate", NULL, HESSE_CONTENT_NUMBER,
     .units = "parameter^2 / loss", .in_1 = "",
     .description = "learning rate of gradient descent"},
    {HESSE_SECTION_THEORY, "theory/gd_steps", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "steps of gradient descent until the norm of the gradient is theory.tolerance of the first; NaN: more than theory.steps"},
    {HESSE_SECTION_THEORY, "theory/gd_bound", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "lower bound of the factor of L - L* in a step of gradient descent"},
    {HESSE_SECTION_THEORY, "theory/adam_learning_rate", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "parameter", .in_1 = "",
     .description = "learning rate of Adam, the optimal one"},
    {HESSE_SECTION_THEORY, "theory/adam_steps", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "steps of Adam with constant second moments, as gd_steps"},
    {HESSE_SECTION_THEORY, "theory/c1", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW, HESSE_AXIS_BLOCK}, .units = "parameter", .in_1 = "",
     .description = "C_1 of a block: its smallest absolute entry of the first gradient over its largest eigenvalue"},
    {HESSE_SECTION_THEORY, "theory/c2", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW, HESSE_AXIS_BLOCK}, .units = "parameter", .in_1 = "",
     .description = "C_2 of a block: its largest absolute entry of the first gradient over its largest eigenvalue"},
    {HESSE_SECTION_THEORY, "theory/r", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "the largest C_2 over the smallest C_1"},
    {HESSE_SECTION_THEORY, "theory/r_squared", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "the square of r, another reading of the theorem"},
    {HESSE_SECTION_THEORY, "theory/adam_factor", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "largest factor of L - L* in a step of Adam with the learning rate min C_1"},
    {HESSE_SECTION_THEORY, "theory/adam_bound", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "upper bound of adam_factor: the largest 1 - 1 / (r kappa_l)"},
    {HESSE_SECTION_THEORY, "theory/adam_violations", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_DRAW}, .units = "1", .in_1 = "",
     .description = "checked steps whose factor is above the bound"},
    {HESSE_SECTION_THEORY, "theory/path/step", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_LOOK}, .units = "1", .in_1 = "",
     .description = "steps taken"},
    {HESSE_SECTION_THEORY, "theory/path/gd_loss", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_LOOK}, .units = "loss", .in_1 = "",
     .description = "loss of gradient descent"},
    {HESSE_SECTION_THEORY, "theory/path/gd_gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LOOK}, .units = GRADIENT, .in_1 = "",
     .description = "norm of its gradient"},
    {HESSE_SECTION_THEORY, "theory/path/adam_loss", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_LOOK}, .units = "loss", .in_1 = "",
     .description = "loss of Adam"},
    {HESSE_SECTION_THEORY, "theory/path/adam_gradient_norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LOOK}, .units = GRADIENT, .in_1 = "",
     .description = "norm of its gradient"},
    {HESSE_SECTION_THEORY, "theory/loss_at_zero", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "linear_transformer: loss at W = 0, measured on the examples"},
    {HESSE_SECTION_THEORY, "theory/loss_at_zero_claimed", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "the same for infinitely many prompts"},
    {HESSE_SECTION_THEORY, "theory/gradient_norm_at_zero", NULL, HESSE_CONTENT_NUMBER,
     .units = GRADIENT, .in_1 = "",
     .description = "norm of the gradient at W = 0, measured"},
    {HESSE_SECTION_THEORY, "theory/gradient_norm_at_zero_claimed", NULL, HESSE_CONTENT_NUMBER,
     .units = GRADIENT, .in_1 = "",
     .description = "the same for infinitely many prompts"},
    {HESSE_SECTION_THEORY, "theory/trace_at_zero", NULL, HESSE_CONTENT_NUMBER,
     .units = HESSIAN, .in_1 = "",
     .description = "trace of the Hessian at W = 0, measured"},
    {HESSE_SECTION_THEORY, "theory/trace_at_zero_claimed", NULL, HESSE_CONTENT_NUMBER,
     .units = HESSIAN, .in_1 = "",
     .description = "the same for infinitely many prompts"},
    {HESSE_SECTION_THEORY, "theory/level_eigenvalue", NULL, HESSE_CONTENT_NUMBER, .draw = 2,
     .axes = {HESSE_AXIS_LEVEL}, .units = HESSIAN, .in_1 = "",
     .description = "eigenvalue of a level for infinitely many prompts, in descending order"},
    {HESSE_SECTION_THEORY, "theory/level_multiplicity", NULL, HESSE_CONTENT_WHOLE,
     .axes = {HESSE_AXIS_LEVEL}, .units = "1", .in_1 = "",
     .description = "dimension of its eigenspace"},
    {HESSE_SECTION_THEORY, "theory/level_measured", NULL, HESSE_CONTENT_NUMBER, .draw = 2,
     .axes = {HESSE_AXIS_LEVEL}, .units = HESSIAN, .in_1 = "",
     .description = "median of the measured eigenvalues of the level: the highest ones belong to the first level, and so on, as many as its dimension"},
    {HESSE_SECTION_THEORY, "theory/smallest_loss", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "one layer: loss at Q = -gamma I with gamma_claimed, measured"},
    {HESSE_SECTION_THEORY, "theory/smallest_loss_claimed", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "smallest loss for infinitely many prompts"},
    {HESSE_SECTION_THEORY, "theory/gamma", NULL, HESSE_CONTENT_NUMBER,
     .units = "parameter", .in_1 = "",
     .description = "one layer: gamma of the smallest measured loss among Q = -gamma I"},
    {HESSE_SECTION_THEORY, "theory/gamma_claimed", NULL, HESSE_CONTENT_NUMBER,
     .units = "parameter", .in_1 = "",
     .description = "the same for infinitely many prompts"},
    {HESSE_SECTION_THEORY, "theory/eigenvalues", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_RANK}, .units = HESSIAN, .in_1 = "",
     .description = "linear_transformer, attention: all eigenvalues of the Hessian, measured on the examples, in ascending order; for linear_transformer at W = 0"},
    {HESSE_SECTION_THEORY, "theory/outer_eigenvalues", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_RANK}, .units = HESSIAN, .in_1 = "",
     .description = "attention: eigenvalues of H_o by the operators, in ascending order; with one trained matrix those of its block"},
    {HESSE_SECTION_THEORY, "theory/singular_values", NULL, HESSE_CONTENT_NUMBER, .draw = 4,
     .axes = {HESSE_AXIS_RANK}, .units = "output per parameter", .in_1 = "",
     .description = "attention with one trained matrix: singular values of J, the derivatives of all outputs, in descending order"},
    {HESSE_SECTION_THEORY, "theory/descent_loss", NULL, HESSE_CONTENT_NUMBER, .draw = 3,
     .axes = {HESSE_AXIS_DESCENT}, .units = "loss", .in_1 = "",
     .description = "loss of gradient descent before step t = 0, 1, ..., and after the last"},
    {HESSE_SECTION_THEORY, "theory/descent_bound", NULL, HESSE_CONTENT_NUMBER, .draw = 3,
     .axes = {HESSE_AXIS_DESCENT}, .units = "loss", .in_1 = "",
     .description = "its bound: the floor of the loss plus (1 - rate PL)^(2 t) times the loss above it at the beginning"},
    {HESSE_SECTION_THEORY, "theory/projected_eigenvalues", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_RANK}, .units = HESSIAN, .in_1 = "",
     .description = "eigenvalues of the Hessian on the directions orthogonal to those of the symmetries, if theory.project"},
    {HESSE_SECTION_THEORY, "theory/projected_outer_eigenvalues", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_RANK}, .units = HESSIAN, .in_1 = "",
     .description = "the same of H_o"},
    {HESSE_SECTION_THEORY, "theory/outer", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LAYER_ROW, HESSE_AXIS_LAYER_COLUMN}, .units = HESSIAN, .in_1 = "",
     .description = "H_o in closed form, the outer product of first derivatives (Gauss-Newton), in the order of /parameter of `hesse run`"},
    {HESSE_SECTION_THEORY, "theory/functional", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LAYER_ROW, HESSE_AXIS_LAYER_COLUMN}, .units = HESSIAN, .in_1 = "",
     .description = "H_f in closed form, the rest of the Hessian"},
    {HESSE_SECTION_THEORY, "theory/query_key", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LAYER_ROW, HESSE_AXIS_LAYER_COLUMN}, .units = HESSIAN, .in_1 = "",
     .description = "the term of H_f that query and key have because they are two matrices (T-functional)"},
    {HESSE_SECTION_THEORY, "theory/joined_outer", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LAYER_ROW, HESSE_AXIS_LAYER_COLUMN}, .units = HESSIAN, .in_1 = "",
     .description = "H_o in closed form with the parameters W = W_Q W_K' of every head, value and output"},
    {HESSE_SECTION_THEORY, "theory/joined_functional", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LAYER_ROW, HESSE_AXIS_LAYER_COLUMN}, .units = HESSIAN, .in_1 = "",
     .description = "H_f of the same parameters"},
    {HESSE_SECTION_THEORY, "theory/moments/mean", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_ATTENDING, HESSE_AXIS_COMPONENT}, .units = "1", .in_1 = "",
     .description = "M_1: mean mu_i of the attended tokens, for every sequence, head and token i, the token fastest"},
    {HESSE_SECTION_THEORY, "theory/moments/covariance", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_ATTENDING, HESSE_AXIS_COMPONENT}, .units = "1", .in_1 = "",
     .description = "M_2: their covariance C_i by rows"},
    {HESSE_SECTION_THEORY, "theory/moments/third", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_ATTENDING, HESSE_AXIS_COMPONENT}, .units = "1", .in_1 = "",
     .description = "M_3: their third central moment T_i, the last index fastest"},
    {HESSE_SECTION_THEORY, "theory/moments/z1", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_ATTENDING, HESSE_AXIS_COMPONENT}, .units = "1", .in_1 = "",
     .description = "Z_1: row (i, a) and column (p, b) have x_ip C_i[a, b]; a row for every sequence, head, token i and a"},

    /* Landscapes */
    {HESSE_SECTION_GROUPS, "landscape", NULL, HESSE_CONTENT_GROUP, .draw = 1, .in_1 = "",
     .description = "the loss along one or two directions d from the parameters w"},
    {HESSE_SECTION_LANDSCAPE, "landscape/x", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_X}, .units = "1", .in_1 = "",
     .description = "coordinate along the first direction; 0 is among them"},
    {HESSE_SECTION_LANDSCAPE, "landscape/y", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_Y}, .units = "1", .in_1 = "",
     .description = "coordinate along the second direction; 0 is among them"},
    {HESSE_SECTION_LANDSCAPE, "landscape/loss", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_X, HESSE_AXIS_Y}, .units = "loss", .in_1 = "", .flat = true,
     .description = "loss of the parameters w + x d1 + y d2; NaN: it is not finite"},
    {HESSE_SECTION_LANDSCAPE, "landscape/gradient_norm", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_X, HESSE_AXIS_Y}, .units = GRADIENT, .in_1 = "", .flat = true,
     .description = "2-norm of the gradient there"},
    {HESSE_SECTION_LANDSCAPE, "landscape/curvature_x", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_X, HESSE_AXIS_Y}, .units = "loss", .in_1 = "", .flat = true,
     .description = "d1' H d1 there, by an exact product"},
    {HESSE_SECTION_LANDSCAPE, "landscape/curvature_y", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_X, HESSE_AXIS_Y}, .units = "loss", .in_1 = "",
     .description = "d2' H d2 there, by an exact product"},
    {HESSE_SECTION_LANDSCAPE, "landscape/curvature_xy", NULL, HESSE_CONTENT_NUMBER, .draw = 1,
     .axes = {HESSE_AXIS_X, HESSE_AXIS_Y}, .units = "loss", .in_1 = "",
     .description = "d1' H d2 there, by exact products"},
    {HESSE_SECTION_LANDSCAPE, "landscape/direction", NULL, HESSE_CONTENT_TEXT,
     .axes = {HESSE_AXIS_LANDSCAPE}, .units = "1", .in_1 = "",
     .description = "name of the direction in the job"},
    {HESSE_SECTION_LANDSCAPE, "landscape/directions", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LANDSCAPE, HESSE_AXIS_PARAMETER}, .units = "parameter", .in_1 = "",
     .description = "the directions as they were used, in the order of the parameters"},
    {HESSE_SECTION_LANDSCAPE, "landscape/norm", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LANDSCAPE}, .units = "parameter", .in_1 = "",
     .description = "2-norm of the direction"},
    {HESSE_SECTION_LANDSCAPE, "landscape/cosine", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "cosine between both directions; NaN for one"},
    {HESSE_SECTION_LANDSCAPE, "landscape/centre_curvature", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LANDSCAPE, HESSE_AXIS_OTHER_LANDSCAPE}, .units = "loss", .in_1 = "",
     .description = "di' H dj at w by exact products"},
    {HESSE_SECTION_LANDSCAPE, "landscape/centre_curvature_grid", NULL, HESSE_CONTENT_NUMBER,
     .axes = {HESSE_AXIS_LANDSCAPE, HESSE_AXIS_OTHER_LANDSCAPE}, .units = "loss", .in_1 = "",
     .description = "the same by differences of fourth order of the losses around w; NaN: fewer than two points lie on each side"},
    {HESSE_SECTION_LANDSCAPE, "landscape/minima", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "share of the inner points whose loss is below that of all neighbours; this and the next two leave out points that have neighbours without a finite loss"},
    {HESSE_SECTION_LANDSCAPE, "landscape/nonconvex", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "share of the inner points whose discrete Hessian has a negative eigenvalue"},
    {HESSE_SECTION_LANDSCAPE, "landscape/indefinite", NULL, HESSE_CONTENT_NUMBER,
     .units = "1", .in_1 = "",
     .description = "share of the inner points whose discrete Hessian has eigenvalues of both signs; NaN for one direction"},
    {HESSE_SECTION_LANDSCAPE, "landscape/rise", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "largest finite loss of the grid less the loss of w"},
    {HESSE_SECTION_LANDSCAPE, "landscape/range", NULL, HESSE_CONTENT_NUMBER,
     .units = "loss", .in_1 = "",
     .description = "largest less smallest finite loss of the grid"},
    {HESSE_SECTION_LANDSCAPE, "landscape/unfinished", NULL, HESSE_CONTENT_WHOLE,
     .units = "1", .in_1 = "",
     .description = "points whose loss is not finite"},
    {HESSE_SECTION_LANDSCAPE_ATTRIBUTES, "", "landscape_normalise", HESSE_CONTENT_TEXT,
     .in_1 = "", .description = "`landscape.normalise` of the job, or what stands for it"},
    {HESSE_SECTION_LANDSCAPE_ATTRIBUTES, "", "landscape_biases", HESSE_CONTENT_TEXT,
     .in_1 = "", .description = "`landscape.biases`"},
    {HESSE_SECTION_LANDSCAPE_ATTRIBUTES, "", "landscape_orthogonal", HESSE_CONTENT_WHOLE,
     .in_1 = "", .description = "1: the second direction was made orthogonal to the first"},
    {HESSE_SECTION_LANDSCAPE_ATTRIBUTES, "", "landscape_seed", HESSE_CONTENT_WHOLE,
     .in_1 = "", .description = "`landscape.seed`"},
    {HESSE_SECTION_LANDSCAPE_ATTRIBUTES, "", "landscape_seconds", HESSE_CONTENT_NUMBER,
     .in_1 = "", .description = "wall time of the last start of the computation"},
};
/* clang-format on */

enum { ROWS_COUNT = sizeof ROWS / sizeof *ROWS };

const hesse_schema_row *hesse_schema_row_at(size_t i)
{
    return i < ROWS_COUNT ? &ROWS[i] : NULL;
}

hesse_axis_name hesse_schema_axis(hesse_axis_id axis)
{
    return AXES[axis];
}

/* The rest of a path after a given beginning; NULL for a path with another
   beginning. */
static const char *after(const char *path, const char *start)
{
    const size_t length = strlen(start);
    return strncmp(path, start, length) == 0 ? path + length : NULL;
}

/* Skip one segment of a path; a name is not empty. */
static const char *skip_name(const char *path)
{
    const size_t length = strcspn(path, "/");
    return length ? path + length : NULL;
}

static const char *skip_matrix(const char *path)
{
    const char *block = after(path, "blocks/");
    return block ? skip_name(block) : after(path, "full");
}

/* The number of a column by its name in "blocks" or in "series"; -1: there is none. */
static int series_column(const char *name)
{
    for (int i = 0; hesse_schema_column(i); i++)
        if (strcmp(hesse_schema_column(i), name) == 0 ||
            strcmp(hesse_schema_series_column(i), name) == 0)
            return i;
    return -1;
}

static bool matches(const char *pattern, const char *path)
{
    if (strcmp(pattern, "*") == 0) return *path;
    static const char *const names[] = {"SHARE", "BLOCK", "DISTANCE", "DIRECTION",
                                        "STEP"};
    while (path && *pattern) {
        const char *rest = after(pattern, "MATRIX");
        if (rest) path = skip_matrix(path);
        if (strcmp(pattern, "COLUMN") == 0) return series_column(path) >= 0;
        for (size_t i = 0; !rest && i < sizeof names / sizeof *names; i++)
            if ((rest = after(pattern, names[i]))) path = skip_name(path);
        if (!rest) {
            if (*pattern != *path++) return false;
            rest = pattern + 1;
        }
        pattern = rest;
    }
    return path && !*path;
}

/* True for an object of a share at all steps of a series or all points of a sweep,
   which is below GROUP/parts/SHARE/. */
static bool fits_group(const hesse_schema_row *row, const char *path, const char *group)
{
    char parts[32];
    snprintf(parts, sizeof parts, "%sparts/", group);
    const char *of_row = after(row->path, group), *share = after(path, parts);
    const char *inner = share ? skip_name(share) : NULL;
    return of_row && row->shares && inner && *inner == '/' &&
           matches(of_row, inner + 1);
}

static bool fits(const hesse_schema_row *row, const char *path)
{
    if (fits_group(row, path, "series/") || fits_group(row, path, "sweep/"))
        return true;
    const char *share = after(path, "parts/"), *column = after(row->path, "blocks/");
    const char *inner = share ? skip_name(share) : NULL;
    if (inner && *inner == '/' && row->shares) path = inner + 1;
    const char *of_full = after(path, "spectra/full/");
    return matches(row->path, path) ||
           (row->full && of_full && strcmp(of_full, column) == 0);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The path below steps/STEP, "" for this group itself; NULL for any other path. */
static const char *within_step(const char *path)
{
    const char *step = after(path, "steps/"), *end = step ? skip_name(step) : NULL;
    return end && *end == '/' ? end + 1 : end;
}

const hesse_schema_row *hesse_schema_find(const char *path, const char *attribute)
{
    /* A row for this very path comes before a pattern: "measures/directions/norm" is no
       share. */
    for (size_t i = 0; i < ROWS_COUNT; i++)
        if (same(ROWS[i].attribute, attribute) && same(ROWS[i].path, path))
            return &ROWS[i];
    const char *inner = within_step(path);
    if (inner && *inner) path = inner;
    for (size_t i = 0; i < ROWS_COUNT; i++)
        if (same(ROWS[i].attribute, attribute) && fits(&ROWS[i], path)) return &ROWS[i];
    if (inner && !*inner && attribute) return hesse_schema_find("", attribute);
    const bool text = !attribute && *path && !strchr(path, '/');
    const hesse_schema_row *long_text = text ? hesse_schema_find("", path) : NULL;
    return long_text && long_text->content == HESSE_CONTENT_TEXT ? long_text : NULL;
}

const char *hesse_schema_path(const char *path, int version, char room[HESSE_PATH])
{
    const hesse_schema_row *row = hesse_schema_find(path, NULL);
    const char *last = strrchr(path, '/');
    const int folder = last ? (int)(last - path + 1) : 0;
    const char *name =
        version == 1 && row && row->in_1 && !row->attribute ? row->in_1 : path + folder;
    if (!*name) return NULL;
    const int length = snprintf(room, HESSE_PATH, "%.*s%s", folder, path, name);
    return length < HESSE_PATH ? room : NULL;
}

/* True for an object of a share whose matrices are scaled by D. */
static bool is_of_scaled(const char *path)
{
    static const char mark[] = "_scaled";
    const size_t length = sizeof mark - 1;
    const char *share = after(path, "parts/");
    const size_t name = share ? strcspn(share, "/") : 0;
    return name > length && strncmp(share + name - length, mark, length) == 0;
}

hesse_set hesse_schema_set(const char *path, bool scaled)
{
    const hesse_schema_row *row = hesse_schema_find(path, NULL);
    assert(row);
    const char *name = strrchr(row->path, '/'), *last = strrchr(path, '/');
    const bool column = name && strcmp(name, "/COLUMN") == 0;
    const hesse_schema_row *number =
        column ? hesse_schema_column_row(series_column(last + 1)) : row;
    const bool one = row->attribute || (row->full && !strstr(path, "blocks/"));
    hesse_set set = {.path = path,
                     .content = row->content,
                     .units = scaled && number->scaled   ? number->scaled
                              : !number->units           ? "1"
                              : !is_of_scaled(path)      ? number->units
                              : number->units == HESSIAN ? "loss / (parameter^2 D)"
                              : number->units == DENSITY ? "parameter^2 D / loss"
                                                         : number->units,
                     .description = number->description,
                     .link = row->link,
                     /* Numbers of a whole step are drawn before those of blocks. */
                     .draw = one                      ? 0
                             : column && number->draw ? number->draw + 1
                                                      : number->draw};
    for (int i = 0; i < 2 && !one; i++) set.axes[i] = AXES[row->axes[i]];
    return set;
}

const hesse_schema_row *hesse_schema_column_row(int i)
{
    for (size_t r = 0; r < ROWS_COUNT; r++)
        if (ROWS[r].full && ROWS[r].source && i-- == 0) return &ROWS[r];
    return NULL;
}

const char *hesse_schema_column(int i)
{
    const hesse_schema_row *row = hesse_schema_column_row(i);
    return row ? row->path + strlen("blocks/") : NULL;
}

const char *hesse_schema_series_column(int i)
{
    const char *name = hesse_schema_column(i);
    return name && strcmp(name, "gradient_norm") == 0 ? "block_gradient_norm" : name;
}

hesse_errors hesse_schema_errors(const hesse_spectrum *spectrum,
                                 const hesse_quadrature *quadrature)
{
    hesse_errors e = {0};
    double trace, squares, error;
    if (!quadrature) {
        e.seconds = spectrum->seconds;
        return e;
    }
    hesse_quadrature_moment(quadrature, 1, &trace, &e.trace);
    hesse_quadrature_moment(quadrature, 2, &squares, &error);
    e.frobenius = squares > 0 ? error / (2 * sqrt(squares)) : error;
    e.seconds = quadrature->seconds;
    return e;
}

double hesse_schema_value(int i, const hesse_spectrum *spectrum,
                          const hesse_measures *measures, const hesse_errors *errors)
{
    const void *const from[] = {[HESSE_SOURCE_MEASURES] = measures,
                                [HESSE_SOURCE_SPECTRUM] = spectrum,
                                [HESSE_SOURCE_ERRORS] = errors};
    const hesse_schema_row *row = hesse_schema_column_row(i);
    const void *holder = from[row->source];
    double value = NAN;
    if (holder) memcpy(&value, (const char *)holder + row->offset, sizeof value);
    return value;
}
