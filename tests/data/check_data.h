/** Functions that the tests of the kinds of data share. */
#ifndef HESSE_CHECK_DATA_H
#define HESSE_CHECK_DATA_H

#include "check_files.h"

#include "data/read.h"

#include <math.h>

/* Reads examples for a network that needs no changes of them. */
static inline hesse_batch examples_for(const hesse_data_options *o,
                                       const hesse_data_needs *needs)
{
    hesse_batch b;
    hesse_why why = {0};
    const hesse_status s = hesse_data_read(o, needs, &b, &why);
    if (s) fail_msg("%s", why.text);
    assert_int_equal(strlen(b.digest), HESSE_DIGEST_LENGTH - 1);
    return b;
}

static inline hesse_batch examples_of(const hesse_data_options *o)
{
    return examples_for(o, &(hesse_data_needs){.reads = HESSE_READS_IMAGES});
}

static inline void refused_for(const hesse_data_options *o,
                               const hesse_data_needs *needs, hesse_status status,
                               const char *says)
{
    hesse_batch b;
    hesse_why why = {0};
    assert_int_equal(hesse_data_read(o, needs, &b, &why), status);
    assert_true(!b.input && !b.x && !b.target && !b.wanted && !b.end);
    assert_says(&why, "", says);
}

static inline void refused(const hesse_data_options *o, hesse_status status,
                           const char *says)
{
    refused_for(o, &(hesse_data_needs){.reads = HESSE_READS_IMAGES}, status, says);
}

static inline void assert_within(double found, double wanted, double error)
{
    if (!(fabs(found - wanted) <= error))
        fail_msg("%g is not %g +- %g", found, wanted, error);
}

/* Writes a .npy of version 1 from the text of its header and its data. */
static inline void write_npy(const char *path, const char *type, const char *shape,
                             const void *data, size_t count)
{
    unsigned char bytes[4096] = "\x93NUMPY\x01";
    char header[200];
    const int length = snprintf(
        header, sizeof header,
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", type, shape);
    assert_true(10 + (size_t)length + count <= sizeof bytes);
    bytes[8] = (unsigned char)length, bytes[9] = 0;
    memcpy(bytes + 10, header, (size_t)length);
    if (count) memcpy(bytes + 10 + length, data, count);
    write_bytes(path, bytes, 10 + (size_t)length + count);
}

#endif /* HESSE_CHECK_DATA_H */
