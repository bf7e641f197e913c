/** hesse: a job as operators, for programs in other languages. These functions are in
 * the shared library libhesse_operator, which also reads job files. They need no struct
 * of the other headers, no MPI handle of C, and never end the process. */
#ifndef HESSE_OPERATOR_H
#define HESSE_OPERATOR_H

#include "hesse/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HESSE_SHOWN __attribute__((visibility("default")))

/** The number of this interface. It grows with every change that old callers cannot
 * bear. */
enum { HESSE_INTERFACE = 1 };

/** Local. HESSE_INTERFACE of the library; its version; the name and version of its MPI
 * library, which must be that of the caller's communicators. */
HESSE_SHOWN int hesse_interface(void);
HESSE_SHOWN const char *hesse_interface_version(void);
HESSE_SHOWN void hesse_interface_mpi(char *text, size_t room);

/** Local. Start MPI, unless it has started. Returns 1 if this call has started it. Then
 * the caller ends it by hesse_interface_stop before the process ends. */
HESSE_SHOWN int hesse_interface_start(void);
HESSE_SHOWN void hesse_interface_stop(void);

/** A job that is open: a network at some parameters, a batch, and a loss. */
typedef struct hesse_opened hesse_opened;

/** The source of a job. Start it from {0}. */
typedef struct hesse_opened_source {
    const char *file; /* the job file. With a text: its name for messages; paths in the
                         job are relative to its folder */
    const char *text; /* the job itself, in YAML or JSON; NULL: the text of the file */
    const char *const *sets; /* n_sets overrides "section.key=VALUE", VALUE in YAML */
    int n_sets;
    const char *point; /* of a sweep, by its name; NULL: none */
} hesse_opened_source;

/** Collective on the communicator. Open a job. MPI has started.
 *
 *  comm    [in]   the Fortran handle of a communicator (MPI_Comm_c2f; in mpi4py
 *                 comm.py2f()); NULL: this process alone.
 *  source  [in]   equal on all ranks. Only rank 0 reads files.
 *  opened  [out]  NULL after an error.
 *  why     [out]  the reason of an error, equal on all ranks; NULL is legal.
 *  Memory: 8 bytes for each parameter, and the activations of the batch, or of a part
 *  of it. Errors: HESSE_E_JOB, HESSE_E_INPUT, HESSE_E_NOMEM. */
HESSE_SHOWN hesse_status hesse_opened_new(const int *comm,
                                          const hesse_opened_source *source,
                                          hesse_opened **opened, hesse_why *why);

/** Free a job, after its matrices; NULL is legal, and so are calls after the end of
 * MPI. hesse_opened_close is Collective. hesse_opened_free is Local: a communicator of
 * several ranks stays until MPI ends. */
HESSE_SHOWN void hesse_opened_close(hesse_opened *opened);
HESSE_SHOWN void hesse_opened_free(hesse_opened *opened);

/** Local. The reason of the last error of this job or of its matrices. */
HESSE_SHOWN const char *hesse_opened_why(const hesse_opened *opened);

/** Local. Notes on the job for its user, in lines: tensors of the checkpoint that are
 * ignored, a slow BLAS. "" if there are none. */
HESSE_SHOWN const char *hesse_opened_note(const hesse_opened *opened);

/** Local. The number N of the parameters, and the number of the tensors that they
 * form. */
HESSE_SHOWN size_t hesse_opened_size(const hesse_opened *opened);
HESSE_SHOWN int hesse_opened_tensors(const hesse_opened *opened);

/** Local. Tensor i: its name, which adds ".query" and so on to the name in the
 * checkpoint where that fuses several tensors; its first element among the N
 * parameters; and its shape as the checkpoint stores it.
 *
 *  shape  [out]  at most 4 numbers.
 *  Returns the number of dimensions; 0, and NULL and 0, if i is out of range. */
HESSE_SHOWN const char *hesse_opened_tensor_name(const hesse_opened *opened, int i);
HESSE_SHOWN size_t hesse_opened_tensor_first(const hesse_opened *opened, int i);
HESSE_SHOWN int hesse_opened_tensor_shape(const hesse_opened *opened, int i,
                                          size_t shape[4]);

/** Local. The present parameters: N numbers in the order of the tensors. */
HESSE_SHOWN const double *hesse_opened_parameters(const hesse_opened *opened);

/** Collective. Use other parameters from now on, in all matrices of the job, too.
 *
 *  values  [in]  N numbers, copied. On several ranks they must agree up to rounding;
 *                those of rank 0 are taken.
 *  Errors: HESSE_E_JOB if the ranks have different values; HESSE_E_NOMEM. */
HESSE_SHOWN hesse_status hesse_opened_set_parameters(hesse_opened *opened,
                                                     const double *values);

/** Collective. Read parameters from another checkpoint of the network, which do not
 * become the present ones.
 *
 *  path    [in]   as `model.checkpoint` of a job, but relative to the working folder.
 *  values  [out]  N numbers.
 *  Errors: HESSE_E_INPUT, HESSE_E_NOMEM. */
HESSE_SHOWN hesse_status hesse_opened_read(hesse_opened *opened, const char *path,
                                           double *values);

/** Collective. Compute the loss, or the loss (NULL: not needed) and the gradient.
 *
 *  gradient  [out]  N numbers, the same bits on all ranks.
 *  Errors: HESSE_E_NUMERIC if they are not finite. */
HESSE_SHOWN hesse_status hesse_opened_loss(hesse_opened *opened, double *loss);
HESSE_SHOWN hesse_status hesse_opened_gradient(hesse_opened *opened, double *loss,
                                               double *gradient);

/** A matrix of an open job: a share of the Hessian, restricted to some blocks. */
typedef struct hesse_opened_matrix hesse_opened_matrix;

/** Collective. Choose a matrix. Nothing is computed.
 *
 *  share   [in]   a value of `hessian.parts`: "hessian", "gauss_newton", "functional"
 *                 or a kind of operators.
 *  blocks  [in]   n_blocks names or globs of blocks, which the job's
 *                 `hessian.partition` makes; 0: those of the job's `hessian.only`. The
 *                 coordinates of the matrix run block by block in the order of the
 *                 network, as in the result file of `hesse run`.
 *  matrix  [out]  NULL after an error. The caller frees it before the job.
 *  Errors: HESSE_E_JOB for a name that does not exist, with the nearest one;
 *  HESSE_E_NOMEM. */
HESSE_SHOWN hesse_status hesse_opened_matrix_new(hesse_opened *opened,
                                                 const char *share,
                                                 const char *const *blocks,
                                                 int n_blocks,
                                                 hesse_opened_matrix **matrix);

/** Local. NULL is legal. */
HESSE_SHOWN void hesse_opened_matrix_free(hesse_opened_matrix *matrix);

/** Local. The order n of the matrix, and its blocks: name, first coordinate and size.
 * An index out of range gives NULL and 0. */
HESSE_SHOWN size_t hesse_opened_matrix_size(const hesse_opened_matrix *matrix);
HESSE_SHOWN int hesse_opened_matrix_blocks(const hesse_opened_matrix *matrix);
HESSE_SHOWN const char *
hesse_opened_matrix_block_name(const hesse_opened_matrix *matrix, int i);
HESSE_SHOWN size_t hesse_opened_matrix_block_first(const hesse_opened_matrix *matrix,
                                                   int i);
HESSE_SHOWN size_t hesse_opened_matrix_block_size(const hesse_opened_matrix *matrix,
                                                  int i);

/** Local. Write for each of the n coordinates its index among the N parameters. */
HESSE_SHOWN void hesse_opened_matrix_index(const hesse_opened_matrix *matrix,
                                           uint64_t *index);

/** Collective. Multiply the matrix with k vectors, at the present parameters. All ranks
 * have all vectors and get all results; the work is shared.
 *
 *  v    [in]   n x k: element (i, j) is v[i * k + j]. On several ranks they must agree
 *              up to rounding; those of rank 0 are taken.
 *  av   [out]  n x k, the same bits on all ranks; not v.
 *  Memory: that of products with at most `hessian.panel` vectors, or fewer if memory is
 *  short; it is kept for the next call.
 *  Errors: HESSE_E_JOB if k < 1 or the ranks have different vectors; HESSE_E_NOMEM;
 *  HESSE_E_NUMERIC if a number of v or av is not finite. */
HESSE_SHOWN hesse_status hesse_opened_matrix_product(hesse_opened_matrix *matrix, int k,
                                                     const double *v, double *av);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_OPERATOR_H */
