/* The free memory: of the machine, and of the limit that a batch system sets. */
#include "parallel/available.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return the number after a key in a file of lines "key number", or -1 if it is not
   there. An empty key is for a file that contains only a number. */
static double number_in(const char *path, const char *key)
{
    char line[256];
    double value = -1;
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    while (value < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            if (sscanf(line + strlen(key), "%lf", &value) != 1) break;
    fclose(f);
    return value;
}

/* Return the bytes left in a control group, or infinity if it sets no limit. */
static double left_in(const char *group)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    const double most = number_in(path, "");
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", group);
    const double used = number_in(path, "");
    return most > 0 && used >= 0 ? most - used : INFINITY;
}

/* Return the bytes left in the control group that a batch system put us in, and in the
   groups that contain it. */
static double left_in_groups(void)
{
    char line[PATH_MAX] = "";
    FILE *f = fopen("/proc/self/cgroup", "r");
    while (f && fgets(line, sizeof line, f) && strncmp(line, "0::/", 4) != 0)
        line[0] = 0;
    if (f) fclose(f);
    char *group = line[0] ? line + 3 : line;
    group[strcspn(group, "\n")] = '\0';
    double least = left_in("");
    for (char *slash; (slash = strrchr(group, '/')); *slash = '\0')
        least = fmin(least, left_in(group));
    return least;
}

static double free_here(void)
{
    const double kib = number_in("/proc/meminfo", "MemAvailable:");
    return fmin(kib > 0 ? 1024 * kib : 1e18, left_in_groups());
}

size_t hesse_team_available(hesse_team *team)
{
    MPI_Comm machine;
    int ranks;
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL,
                        &machine);
    MPI_Comm_size(machine, &ranks);
    MPI_Comm_free(&machine);
    double mine = free_here() / ranks, least;
    MPI_Allreduce(&mine, &least, 1, MPI_DOUBLE, MPI_MIN, team->comm);
    return least > 0 ? (size_t)least : 1;
}

/* Buffers of MPI, HDF5 and BLAS take this memory later. It was measured:
   docs/scaling.md. */
static const double LATER = 16 << 20;

size_t hesse_team_program(hesse_team *team)
{
    const double kib = number_in("/proc/self/status", "VmRSS:");
    double mine = kib > 0 ? 1024 * kib : 0, most;
    MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    return (size_t)(most + LATER);
}

double hesse_memory_peak(void)
{
    const double kib = number_in("/proc/self/status", "VmHWM:");
    return kib > 0 ? 1024 * kib : 0;
}
