/** The few Fortran and C-BLACS symbols that we call. ScaLAPACK has no header. The
 * size_t arguments are the hidden lengths of Fortran's CHARACTER arguments, always 1.
 */
#ifndef HESSE_PARALLEL_SCALAPACK_H
#define HESSE_PARALLEL_SCALAPACK_H

#include "base/real.h"

#include <mpi.h>
#include <stddef.h>

enum { HESSE_DESC_LEN = 9 };

int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_set(int context, int what, const int *value);
void Cblacs_gridexit(int context);

void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb,
               const int *row0, const int *col0, const int *context, const int *lld,
               int *info);
void pdsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *ia,
             const int *ja, const int *desca, double *w, double *z, const int *iz,
             const int *jz, const int *descz, double *work, const int *lwork, int *info,
             size_t, size_t);
void pdsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
              const int *ia, const int *ja, const int *desca, double *w, double *z,
              const int *iz, const int *jz, const int *descz, double *work,
              const int *lwork, int *iwork, const int *liwork, int *info, size_t,
              size_t);

#endif /* HESSE_PARALLEL_SCALAPACK_H */
