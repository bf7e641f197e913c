/** The BLAS that the loader has chosen: its kernels and its threads. */
#ifndef HESSE_PROGRAM_BLAS_CORE_H
#define HESSE_PROGRAM_BLAS_CORE_H

#include <stdbool.h>
#include <stdio.h>

/** Local. Make BLAS use kernels for this processor, and one thread unless
 * OPENBLAS_NUM_THREADS or OMP_NUM_THREADS gives another number. This must be called
 * before anything else in main, also before MPI_Init: it may start the program again,
 * once, with OPENBLAS_CORETYPE set and the former core's name in HESSE_BLAS_MENDED. An
 * OPENBLAS_CORETYPE that the user has set is not changed, and another BLAS than
 * OpenBLAS is not changed, either.
 *
 *  argv  [in]  of main. */
void hesse_blas_mend(char **argv);

/** Local. The core that OpenBLAS should use instead of the one that it chose, or NULL
 * when its choice is good.
 *
 *  core    [in]  a name of openblas_get_corename, in any case; NULL: another BLAS.
 *  avx2    [in]  the processor has AVX2 and FMA.
 *  avx512  [in]  the processor has AVX-512 F, VL, BW and DQ. */
const char *hesse_blas_core_wanted(const char *core, bool avx2, bool avx512);

/** Local. The core that OpenBLAS should use instead of the present one, if that one is
 * many times slower than this processor allows; NULL when it is good. After
 * hesse_blas_mend the result is not NULL only if the user has chosen the slow core, or
 * OpenBLAS did not change its core. */
const char *hesse_blas_better(void);

/** Local. Find a function of the libraries in this process and copy its address to
 * *pointer, a pointer to a function. Returns false if there is none. */
bool hesse_blas_symbol(const char *name, void *pointer);

/** Local. The version and the settings of OpenBLAS, or the file of another BLAS.
 * Returns text. */
const char *hesse_blas_describe(char text[256]);

/** Local. The core in use; "unknown" for another BLAS. */
const char *hesse_blas_core(void);

/** Local. The core that OpenBLAS chose before hesse_blas_mend changed it; NULL: it was
 * not changed. */
const char *hesse_blas_mended(void);

/** Local. Warn in `to`, unless it is NULL, if BLAS is far slower than it can be, which
 * means that the program's own simple products are more than 2.5 times as fast. The
 * warning is one line that names the library and a remedy. This takes about a twentieth
 * of a second, and 2 MB. It measures only the time of this thread, so that a busy
 * machine causes no warning. */
void hesse_blas_warn(FILE *to);

/** Local. Threads of a BLAS call; 0 when they are not known. */
int hesse_blas_threads(void);

/** Local. Let OpenBLAS use `count` threads from now on, unless OPENBLAS_NUM_THREADS or
 * OMP_NUM_THREADS gives a number; 0: change nothing. Returns the number before. */
int hesse_blas_use_threads(int count);

#endif /* HESSE_PROGRAM_BLAS_CORE_H */
