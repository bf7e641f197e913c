/** The schema of a result file: one row for every group, dataset and attribute. The
 * writer, `show`, the verifier, `hesse schema` and the tables of docs/result.md derive
 * from it.
 *
 *  A path is relative to the place of a result in its file (the root, or a prefix such
 * as "steps/000100/"). A row's path is a pattern: SHARE stands for the name of a share
 * of the Hessian, BLOCK for the name of a block, DISTANCE for the name of a distance of
 * spectra, DIRECTION for the number of a direction, MATRIX for "full" or
 * "blocks/BLOCK", STEP for the number of a step of a series, and COLUMN for a number
 * that every block has in "blocks"; "*" is every object but the root. What is below
 * steps/STEP/ has the rows of a result. */
#ifndef HESSE_OUTPUT_SCHEMA_H
#define HESSE_OUTPUT_SCHEMA_H

#include "hesse/quadrature.h"
#include "hesse/spectrum.h"

#include <stdio.h>

enum {
    HESSE_SCHEMA_VERSION = 2, /* the version that is written              */
    HESSE_SCHEMA_OLDEST = 1,  /* the oldest that can be read              */
    HESSE_COLUMNS = 18,       /* numbers that every block has in "blocks" */
    HESSE_PATH = 512          /* bytes of a path in the file, with its end */
};

typedef enum hesse_axis_id {
    HESSE_AXIS_NONE,
    HESSE_AXIS_BLOCK,
    HESSE_AXIS_OTHER_BLOCK,
    HESSE_AXIS_TENSOR,
    HESSE_AXIS_PARAMETER,
    HESSE_AXIS_OTHER_PARAMETER,
    HESSE_AXIS_GRID,
    HESSE_AXIS_RANK,
    HESSE_AXIS_VECTOR,
    HESSE_AXIS_PAIR,
    HESSE_AXIS_COORDINATE,
    HESSE_AXIS_ROW,
    HESSE_AXIS_COLUMN,
    HESSE_AXIS_PROCESS,
    HESSE_AXIS_PROBE,
    HESSE_AXIS_STEP,
    HESSE_AXIS_SIDE,
    HESSE_AXIS_END,
    HESSE_AXIS_VALUE,
    HESSE_AXIS_LIMIT,
    HESSE_AXIS_TRAIN_STEP,
    HESSE_AXIS_TRAIN_TENSOR,
    HESSE_AXIS_EVALUATION,
    HESSE_AXIS_MEASUREMENT,
    HESSE_AXIS_BATCH,
    HESSE_AXIS_CLASS,
    HESSE_AXIS_TRAIN_GROUP,
    HESSE_AXIS_DIRECTION,
    HESSE_AXIS_PARTITION,
    HESSE_AXIS_TEST_VECTOR,
    HESSE_AXIS_SERIES,
    HESSE_AXIS_DRAW,
    HESSE_AXIS_LOOK,
    HESSE_AXIS_DESCENT,
    HESSE_AXIS_LEVEL,
    HESSE_AXIS_LAYER_ROW,
    HESSE_AXIS_LAYER_COLUMN,
    HESSE_AXIS_ATTENDING,
    HESSE_AXIS_COMPONENT,
    HESSE_AXIS_X,
    HESSE_AXIS_Y,
    HESSE_AXIS_LANDSCAPE,
    HESSE_AXIS_OTHER_LANDSCAPE,
    HESSE_AXIS_SWEEP_POINT,
    HESSE_AXIS_SWEEP_AXIS,
    HESSE_AXIS_SWEEP_PLACE,
    HESSE_AXIS_SWEEP_RUN,
    HESSE_AXIS_SWEEP_BLOCK,
    HESSE_AXIS_SWEEP_LINE,
    HESSE_AXIS_SWEEP_PAIR,
    HESSE_AXES
} hesse_axis_id;

/** One axis of a dataset, with the name that readers will see. */
typedef struct hesse_axis_name {
    const char *label;  /* "block"; NULL: there is no such axis */
    const char *length; /* in the documentation: "B"            */
    /* The dataset of its coordinates, which is its dimension scale: with a slash at the
       beginning it is a dataset of the result, else one beside this dataset. If no such
       dataset is written, the scale is an empty dataset of this name; NULL: of the name
       of the label. netCDF looks for scales only in the group of the dataset and above,
       and "../" is the group above. */
    const char *scale;
} hesse_axis_name;

typedef enum hesse_content {
    HESSE_CONTENT_NUMBER,
    HESSE_CONTENT_WHOLE,
    HESSE_CONTENT_TEXT,
    HESSE_CONTENT_GROUP
} hesse_content;

/** The table of the documentation that has the row. */
typedef enum hesse_section {
    HESSE_SECTION_FILE,
    HESSE_SECTION_PROGRAM,
    HESSE_SECTION_JOB,
    HESSE_SECTION_MODEL,
    HESSE_SECTION_DATA,
    HESSE_SECTION_TIMES,
    HESSE_SECTION_GROUPS,
    HESSE_SECTION_RANKS,
    HESSE_SECTION_PARAMETERS,
    HESSE_SECTION_BLOCKS,
    HESSE_SECTION_SPECTRA,
    HESSE_SECTION_SPECTRA_ATTRIBUTES,
    HESSE_SECTION_METRICS,
    HESSE_SECTION_METRICS_ATTRIBUTES,
    HESSE_SECTION_MEASURES,
    HESSE_SECTION_MEASURES_ATTRIBUTES,
    HESSE_SECTION_MATRICES,
    HESSE_SECTION_TRAIN,
    HESSE_SECTION_TRAIN_ATTRIBUTES,
    HESSE_SECTION_SERIES,
    HESSE_SECTION_THEORY,
    HESSE_SECTION_LANDSCAPE,
    HESSE_SECTION_LANDSCAPE_ATTRIBUTES,
    HESSE_SECTION_SWEEP,
    HESSE_SECTIONS
} hesse_section;

/** The struct of the writer that holds the number of a row. */
typedef enum hesse_row_source {
    HESSE_SOURCE_NONE,
    HESSE_SOURCE_MEASURES, /* hesse_measures    */
    HESSE_SOURCE_SPECTRUM, /* hesse_spectrum    */
    HESSE_SOURCE_ERRORS,   /* hesse_errors      */
    HESSE_SOURCE_RANK      /* hesse_rank_report */
} hesse_row_source;

/** The struct has many fields because a row has everything that is known about one
 * object. */
typedef struct hesse_schema_row {
    hesse_section section;
    const char *path;      /* of the object, "" for the root; a pattern            */
    const char *attribute; /* its name; NULL: the row is a dataset or a group      */
    hesse_content content;
    const char *in_1; /* last name in schema 1; NULL: the same; "": not there */
    hesse_axis_id axes[2];
    const char *units, *scaled; /* scaled: units if the eigenvalues were divided by one
                                   of them; NULL: the same */
    const char *description;
    bool shares;   /* every share of the Hessian has it, below parts/SHARE/, or below
                      series/parts/SHARE/ or sweep/parts/SHARE/                     */
    bool full;     /* spectra/full/ has it, too, as one value                       */
    bool flat;     /* the second axis is left out if there is one direction */
    bool optional; /* an attribute that is left out if it has no information        */
    /* The order in which viewers prefer what a group has, from 1; 0: never. The first
       dataset is the one that is drawn, and the first group is shown if no dataset is.
       A group with 0 that can be drawn has the place of the best in it. */
    int draw;
    const char *link; /* the row is a link to the dataset at this path of the result */
    hesse_row_source source;
    size_t offset; /* in the source */
} hesse_schema_row;

/** Local. Row i of the table; NULL after the last. */
const hesse_schema_row *hesse_schema_row_at(size_t i);

/** Local. */
hesse_axis_name hesse_schema_axis(hesse_axis_id axis);

/** Local. Find the row of the object at a path, or of an attribute of it; NULL: there
 * is none. A text of the root that is too long for an attribute is a dataset with the
 * same row. */
const hesse_schema_row *hesse_schema_find(const char *path, const char *attribute);

/** Local. The name of a dataset or a group in a file of some version. Returns room, or
 * NULL if that version does not have it or its name is too long. */
const char *hesse_schema_path(const char *path, int version, char room[HESSE_PATH]);

/** A dataset of a result. */
typedef struct hesse_set {
    const char *path; /* borrowed; all others are constant texts */
    hesse_content content;
    const char *units, *description;
    hesse_axis_name axes[2];
    int draw;         /* as in the row */
    const char *link; /* as in the row */
} hesse_set;

/** Local. The dataset at a path that has a row.
 *
 *  scaled  [in]  true if its eigenvalues were divided by one of them, and have no
 *           unit. */
hesse_set hesse_schema_set(const char *path, bool scaled);

/** Local. Row i of the numbers that every block has in "blocks" and that the full
 * matrix has in "spectra/full"; NULL after the last. And the name of this row. */
const hesse_schema_row *hesse_schema_column_row(int i);
const char *hesse_schema_column(int i);

/** Local. The name of column i in "series"; NULL after the last. It is the name of the
 * column, unless a number of the whole gradient has that name there. */
const char *hesse_schema_series_column(int i);

/** The errors of the numbers of a block, and the time that they took. */
typedef struct hesse_errors {
    double trace, frobenius; /* standard errors of estimates; 0: exact */
    double seconds;
} hesse_errors;

/** Local. The errors of a spectrum or of a quadrature; the other is NULL. */
hesse_errors hesse_schema_errors(const hesse_spectrum *spectrum,
                                 const hesse_quadrature *quadrature);

/** Local. Number i of a block; NaN if it comes from an argument that is NULL. */
double hesse_schema_value(int i, const hesse_spectrum *spectrum,
                          const hesse_measures *measures, const hesse_errors *errors);

/** Local. Print the table as JSON, or as the tables of docs/result.md: each between the
 *  lines `<!-- generated: NAME -->` and `<!-- end -->`.
 *  Errors: HESSE_E_NOMEM; HESSE_E_OUTPUT when out cannot be written. */
hesse_status hesse_schema_print(FILE *out, bool markdown, hesse_why *why);

#endif /* HESSE_OUTPUT_SCHEMA_H */
