/* A small sample of a file may lack the class 0 by chance, so all labels of the file
   are looked at. If there are c classes and 4 c labels drawn evenly, the class 0 is
   missing with probability (1 - 1/c)^(4c), which is less than exp(-4), about 2 in 100.
 */
#include "data/class_labels.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1 << 16, LABELS_OF_A_CLASS = 4 };

hesse_status hesse_class_labels_check(const char *path, hesse_class_label *label,
                                      const void *labels, size_t count, int classes,
                                      hesse_data_reading *reading, hesse_why *why)
{
    int least = INT_MAX, most = -1;
    size_t known = 0, distinct = 0;
    for (size_t i = 0; i < count; i++) {
        const int l = label(labels, i);
        if (l < 0) continue;
        if (l < least) least = l;
        if (l > most) most = l;
        known++;
    }
    if (!known || least != 1 || classes > most) return HESSE_OK;
    if (most < MOST_CLASSES) {
        bool *seen = hesse_calloc((size_t)most + 1, sizeof *seen);
        if (!seen)
            return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for labels", path);
        for (size_t i = 0; i < count; i++) {
            const int l = label(labels, i);
            if (l < 0 || seen[l]) continue;
            seen[l] = true, distinct++;
        }
        free(seen);
    }
    if (most > 1 && distinct == (size_t)most &&
        known >= LABELS_OF_A_CLASS * (size_t)most)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: labels run from 1 to %d and none is 0, expected classes "
            "counted from 0; subtract 1, or state that the number of classes is "
            "%d if no example is of class 0",
            path, most, most + 1);
    const size_t at = strlen(reading->labels);
    snprintf(reading->labels + at, sizeof reading->labels - at,
             "%sclasses counted from 0 (no label is 0)", at ? ", " : "");
    return HESSE_OK;
}
