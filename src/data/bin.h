/** Token ids in files without a format of their own, `.bin`. */
#ifndef HESSE_DATA_BIN_H
#define HESSE_DATA_BIN_H

#include "data/windows.h"

/** Local. Find the width of the ids in a `.bin`, the place of the first one, and the
 *  vocabulary if it is told. Several sources tell the width, and those that are there
 *  must agree: the header of llm.c, the `.idx` of Megatron and the `.bin.json` of
 *  `hesse tokenize` beside the file, and the caller. If none of them does, the ids have
 *  16 bits as nanoGPT's, unless wider ids would explain the file as well.
 *
 *  bits        [in]      stated width: 16, 32 or 64; 0: not stated.
 *  vocabulary  [in]      of the model; 0: not known.
 *  src         [in,out]  its file is open.
 *  Errors: HESSE_E_INPUT; HESSE_E_JOB for another width; HESSE_E_NOMEM.
 *  Source: Karpathy, llm.c, dev/data/data_common.py; NVIDIA, Megatron-LM,
 *  megatron/core/datasets/indexed_dataset.py. */
hesse_status hesse_bin_open(size_t size, int bits, int vocabulary, hesse_stream *src,
                            hesse_why *why);

#endif /* HESSE_DATA_BIN_H */
