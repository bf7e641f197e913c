/* Versions are those of the libraries that are loaded, if a library can tell. */
#include "program/facts.h"

#include "ops/gemm.h"
#include "program/blas_core.h"
#include "spectra/engines/eigen.h"

#include <ctype.h>
#include <hdf5.h>
#include <mpi.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>
#ifdef HESSE_HAVE_PNG
#include <png.h>
#endif

static void name_in_json(const char *name, char text[64])
{
    size_t length = 0;
    for (; *name && length < 63; name++)
        if (isalnum((unsigned char)*name))
            text[length++] = (char)tolower((unsigned char)*name);
        else if (length && text[length - 1] != '_')
            text[length++] = '_';
    text[length] = '\0';
}

void hesse_fact(hesse_json *json, const char *name, json_t *value, const char *format,
                ...)
{
    char text[512], key[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    name_in_json(name, key);
    if (json)
        hesse_json_set(json, json->root, key, value ? value : hesse_json_text(text));
    else
        printf("%-20s %s\n", name, text), json_decref(value);
}

/* A function of LAPACK or ScaLAPACK that tells the three numbers of its version. */
static void add_version(hesse_json *json, const char *name, const char *function)
{
    void (*ask)(int *major, int *minor, int *patch);
    int major = 0, minor = 0, patch = 0;
    if (!hesse_blas_symbol(function, &ask)) {
        hesse_fact(json, name, NULL, "unknown");
        return;
    }
    ask(&major, &minor, &patch);
    hesse_fact(json, name, NULL, "%d.%d.%d", major, minor, patch);
}

void hesse_facts_of_program(hesse_json *json)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING], blas[256];
    int length, yaml[3];
    unsigned major, minor, release;
    hesse_fact(json, "commit", NULL, "%s", HESSE_GIT_COMMIT);
#ifdef __clang__
    hesse_fact(json, "compiler", NULL, "clang %s", __clang_version__);
#else
    hesse_fact(json, "compiler", NULL, "gcc %s", __VERSION__);
#endif
    hesse_fact(json, "kernels", NULL, "%s", hesse_gemm_level());
    MPI_Get_library_version(mpi, &length);
    hesse_fact(json, "MPI", NULL, "%.*s", (int)strcspn(mpi, ",\n"), mpi);
    H5get_libversion(&major, &minor, &release);
    hesse_fact(json, "HDF5", NULL, "%u.%u.%u, parallel", major, minor, release);
    hesse_fact(json, "BLAS", NULL, "%s", hesse_blas_describe(blas));
    add_version(json, "LAPACK", "ilaver_");
    add_version(json, "ScaLAPACK", "pilaver_");
    hesse_fact(json, "ELPA", NULL, "%s",
               hesse_engine_exists(HESSE_ENGINE_ELPA) ? HESSE_ELPA_VERSION : "none");
    yaml_get_version(&yaml[0], &yaml[1], &yaml[2]);
    hesse_fact(json, "libyaml", NULL, "%d.%d.%d", yaml[0], yaml[1], yaml[2]);
    hesse_fact(json, "jansson", NULL, "%s", JANSSON_VERSION);
    hesse_fact(json, "zlib", NULL, "%s", zlibVersion());
#ifdef HESSE_HAVE_PNG
    hesse_fact(json, "libpng", NULL, "%s", png_get_libpng_ver(NULL));
#else
    hesse_fact(json, "libpng", NULL, "none");
#endif
}
