/** Sequences of a stream of tokens: context + 1 ids, of which the first `context` are
 * inputs and the last `context` their targets; or, for masked models, `context` ids,
 * and each id is its own target. */
#ifndef HESSE_DATA_WINDOWS_H
#define HESSE_DATA_WINDOWS_H

#include "files/npy.h"
#include "hesse/data.h"
#include "hesse/status.h"
#include "network/batch.h"

/** Ids that can be read from anywhere. */
typedef struct hesse_stream {
    const char *path;
    FILE *file;     /* holds integers in the form `form`; NULL: they are in memory    */
    hesse_npy form; /* of an element, and the start of the data                      */
    int *ids;       /* in memory                                                     */
    size_t count;   /* ids in all                                                    */
    bool rows;      /* it is cut into rows; false: one stream                        */
    size_t length;  /* of a row                                                      */
    int vocabulary; /* ids are below it; 0: not known, the largest id + 1            */
    int largest;    /* the largest id; hesse_windows_read sets it                    */
    char layout[80];  /* in words; "": as `rows` says                                 */
    char source[80];  /* of the vocabulary, in words                                  */
    const char *type; /* of ids in memory, in words                                  */
    FILE *mask;       /* of rows: 0 for padding, in the form mask_form; NULL: none   */
    const char *mask_path;
    hesse_npy mask_form;
    const int *padding; /* of rows: the id of padding at their ends; NULL: none      */
} hesse_stream;

/** Local. Chooses and reads the sequences. A stream of length m is cut into (m - 1)
 *  / context windows that do not overlap (each shares its last token with the next
 *  one's first; masked: m / context, which share none). All ids are checked, not
 *  only those chosen.
 *
 *  stream  [in,out]  the caller closes its file and frees its ids.
 *  batch   [out]  ids and the labels of every token. A row may end in -100s, or in
 *                 padding: these targets are ignored, and as inputs they are 0. The
 * vocabulary is that of the needs, of the stream, or the largest id + 1. Classes are
 * the vocabulary of a stream that knows one, else the largest id
 *                 + 1.
 *  Errors: HESSE_E_INPUT, which names the file and its fault: it is too short, an id is
 *  outside the vocabulary (with its place), there are fewer sequences than asked for,
 *  or rows are longer than the model's positions and no context is asked for;
 *  HESSE_E_JOB when no length is known to cut a stream; HESSE_E_NOMEM. */
hesse_status hesse_windows_read(const hesse_data_options *options,
                                const hesse_data_needs *needs, hesse_stream *stream,
                                hesse_batch *batch, hesse_why *why);

#endif /* HESSE_DATA_WINDOWS_H */
