/** Labels of classes: classes are counted from 0, and files that count from 1 exist. */
#ifndef HESSE_DATA_CLASS_LABELS_H
#define HESSE_DATA_CLASS_LABELS_H

#include "hesse/data.h"
#include "hesse/status.h"

#include <stddef.h>

/** Local. Return label i; below 0: it is ignored. */
typedef int hesse_class_label(const void *labels, size_t i);

/** Local. Refuse labels that seem to be counted from 1: every class from 1 to the
 *  largest occurs, no label is 0, and there are 4 labels or more for each class. With
 *  fewer labels the class 0 may be missing by chance, and the reading says how they are
 *  counted.
 *
 *  label    [in]  of all labels of the file, `count` of them.
 *  classes  [in]  the number of classes that is stated, 0: none. If it is above the
 *                 largest label, the labels are right.
 *  reading  [in,out]  `labels` gets a remark.
 *  Errors: HESSE_E_INPUT; HESSE_E_NOMEM. */
hesse_status hesse_class_labels_check(const char *path, hesse_class_label *label,
                                      const void *labels, size_t count, int classes,
                                      hesse_data_reading *reading, hesse_why *why);

#endif /* HESSE_DATA_CLASS_LABELS_H */
