/** Token data: sequences of context + 1 ids, of which the first context are inputs and
 *  the last context their targets; or of context ids, each its own target. */
#ifndef HESSE_DATA_TOKENS_H
#define HESSE_DATA_TOKENS_H

#include "hesse/status.h"
#include "network/batch.h"

#include <stdbool.h>
#include <stdint.h>

/** Where tokens come from and how many are wanted. Either tokens or text is NULL. */
typedef struct hesse_tokens_request {
    const char *tokens; /* .npy of integers, 1-d (a stream) or 2-d (sequences), or
                           nanoGPT's .bin (a stream of little-endian uint16)        */
    const char *text;   /* UTF-8 text: a stream                                     */
    bool characters;    /* vocabulary of text: its distinct characters (code points) in
                           ascending order, as nanoGPT does; false: the 256 bytes   */
    int sequences;      /* wanted; 0: at most 16, as many as there are              */
    int context;        /* tokens of a sequence; 0: rows' length - 1 (alone: length) of
                           sequences, `positions` of a stream                       */
    int positions;      /* the most the model takes                                 */
    int vocabulary;     /* ids are 0 ... vocabulary - 1; 0: not known yet           */
    bool alone;         /* no token is there to predict: each is its own target      */
    bool shuffle;       /* sequences chosen at random by seed, without repetition, in
                           the file's order; false: the first ones                  */
    uint64_t seed;
} hesse_tokens_request;

enum { HESSE_IGNORED = -100 }; /* a target that does not count */

/** Local. Read the file and choose the sequences. A stream of length m is cut into
 *  (m - 1) / context windows that do not overlap (each shares its last token with the
 *  next one's first; alone: m / context, which share none). All ids of the file are checked, not only those chosen.
 *
 *  batch  [out]  ids, and as labels of every token the id that follows; a row of 2-d .npy
 *                data may end in -100s: these targets are ignored, and as inputs they are
 *                0. The vocabulary is that requested, or of the text, or the file's
 *                largest id + 1, which the classes of a file of tokens are in any case.
 *  Errors: HESSE_E_INPUT naming the file and what is wrong with it (missing, empty, no
 *  .npy, wrong type or rank, too short, an id outside the vocabulary and where, fewer
 *  sequences than asked for, rows longer than the model's positions while no context is
 *  asked for); HESSE_E_JOB for sequences or context below 0, context above positions,
 *  or a file that is neither .npy nor .bin; HESSE_E_NOMEM. */
hesse_status hesse_tokens_read(const hesse_tokens_request *request, hesse_batch *batch,
                               hesse_why *why);

#endif /* HESSE_DATA_TOKENS_H */
