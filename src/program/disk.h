/** What a run takes of the disk, before it runs. */
#ifndef HESSE_PROGRAM_DISK_H
#define HESSE_PROGRAM_DISK_H

#include "curvature/analysis.h"
#include "job/job.h"

typedef struct hesse_disk {
    double result; /* bytes of the result file, to a tenth or so                  */
    double parts;  /* bytes that panels in part files may take while the run lasts */
} hesse_disk;

/** Local. */
hesse_disk hesse_disk_of(const hesse_analysis *analysis, const hesse_job *job);

#endif /* HESSE_PROGRAM_DISK_H */
