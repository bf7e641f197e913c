/** The BLAS that the loader gave us: its kernels and its threads. */
#ifndef HESSE_PROGRAM_BLAS_CORE_H
#define HESSE_PROGRAM_BLAS_CORE_H

#include <stdbool.h>

/** Local. See that BLAS runs on kernels made for this processor, with one thread unless
 *  OPENBLAS_NUM_THREADS or OMP_NUM_THREADS says otherwise. To be called before anything
 *  else in main, MPI_Init included: it may start the program again, once, with
 *  OPENBLAS_CORETYPE set and the former core's name in HESSE_BLAS_MENDED. A user's own
 *  OPENBLAS_CORETYPE is left alone, and so is another BLAS than OpenBLAS.
 *
 *  argv  [in]  of main. */
void hesse_blas_mend(char **argv);

/** Local. The core to ask OpenBLAS for in place of one that it took, or NULL when that
 *  one is good.
 *
 *  core    [in]  a name of openblas_get_corename, in any case; NULL: another BLAS.
 *  avx2    [in]  the processor has AVX2 and FMA.
 *  avx512  [in]  the processor has AVX-512 F, VL, BW and DQ. */
const char *hesse_blas_core_wanted(const char *core, bool avx2, bool avx512);

/** Local. The core to ask OpenBLAS for in place of the one in use, which is many times
 *  slower than this processor allows; NULL when that one is good. After hesse_blas_mend
 *  it is there only where a user wants the slow one, or OpenBLAS could not be moved. */
const char *hesse_blas_better(void);

/** Local. The core in use; "unknown" for another BLAS. */
const char *hesse_blas_core(void);

/** Local. The core that OpenBLAS took before it was mended; NULL: it was not. */
const char *hesse_blas_mended(void);

/** Local. Warn on standard error, in one line that names the library and what to do,
 * where BLAS is far slower than it can be: where the program's own products, which no
 * BLAS need fall behind, are more than 2.5 times as fast. Takes about a twentieth of a
 * second, and 2 MB; counts the time of this thread alone, so that a busy machine gives
 * no alarm. */
void hesse_blas_warn(void);

/** Local. Threads of a BLAS call; 0 when they are not known. */
int hesse_blas_threads(void);

#endif /* HESSE_PROGRAM_BLAS_CORE_H */
