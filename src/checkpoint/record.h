/** Records of finished work. */
#ifndef HESSE_CHECKPOINT_RECORD_H
#define HESSE_CHECKPOINT_RECORD_H

typedef enum hesse_record_kind {
    HESSE_RECORD_PANEL = 1, /* the columns of a panel                            */
    HESSE_RECORD_BLOCK,     /* the results of a block                            */
    HESSE_RECORD_WHOLE,     /* the results of the whole matrix                   */
    HESSE_RECORD_PROBE,     /* a probe of the quadrature of a block; -1: of the whole */
    HESSE_RECORD_EXTREMES,  /* the extreme eigenpairs of one of these            */
    HESSE_RECORD_HUTCHINSON, /* its trace, norm and diagonal                     */
    HESSE_RECORD_DIRECTION,  /* a direction of a landscape, its number in `first` */
    HESSE_RECORD_POINT       /* a point of a landscape, its number in `first`     */
} hesse_record_kind;

/** The name of a record. A panel has the columns first ... first + count - 1 of a
 * piece, in the part of `blocks` blocks that begins with `block`. A probe has its
 * number in `first`. Fields that are not used are 0. In a series, `step` counts the
 * steps from 0; the checkpoint fills it in. */
typedef struct hesse_record {
    int kind, share, block, blocks, piece, first, count, step;
} hesse_record;

#endif /* HESSE_CHECKPOINT_RECORD_H */
