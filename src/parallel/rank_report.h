/** The report of a rank on its work in an analysis. */
#ifndef HESSE_PARALLEL_RANK_REPORT_H
#define HESSE_PARALLEL_RANK_REPORT_H

/** Wall time of a rank in seconds, and its memory in bytes. */
typedef struct hesse_rank_report {
    double predicted, busy, assembly, exchange, eigenvalues, lanczos, matrices, idle,
        memory;
} hesse_rank_report;

#endif /* HESSE_PARALLEL_RANK_REPORT_H */
