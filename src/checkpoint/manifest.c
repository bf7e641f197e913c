/* A manifest is compared name by name, so that a message can tell which one differs. */
#include "checkpoint/manifest.h"

#include "base/memory.h"
#include "files/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Find the first name that has different values in the two manifests. */
static hesse_status compare(const char *path, const char *what, const json_t *stored,
                            const json_t *now, hesse_status status, hesse_why *why)
{
    const char *name;
    json_t *value;
    char was[HESSE_JSON_SHOWN], is[HESSE_JSON_SHOWN];
    for (int turn = 0; turn < 2; turn++) {
        const json_t *of = turn ? stored : now;
        json_object_foreach((json_t *)of, name, value)
        {
            const json_t *a = json_object_get(stored, name);
            const json_t *b = json_object_get(now, name);
            if (a && b && json_equal(a, b)) continue;
            hesse_json_show(a, was);
            hesse_json_show(b, is);
            return hesse_fail(why, status, "%s: %s%s was %s and is %s now", path, what,
                              name, was, is);
        }
    }
    return HESSE_OK;
}

/* This frees the stored manifest. */
static hesse_status match(const char *path, json_t *stored, const char *text,
                          hesse_why *why)
{
    json_t *now = NULL;
    hesse_status s = hesse_json_parse(path, text, strlen(text), &now, why);
    if (!s && !json_is_object(json_object_get(stored, "job")))
        s = hesse_fail(why, HESSE_E_INPUT, "%s: is no manifest of a run", path);
    if (!s)
        s = compare(path, "", json_object_get(stored, "job"),
                    json_object_get(now, "job"), HESSE_E_JOB, why);
    if (!s)
        s = compare(path, "the digest of the ", json_object_get(stored, "inputs"),
                    json_object_get(now, "inputs"), HESSE_E_INPUT, why);
    if (!s) s = compare(path, "the ", stored, now, HESSE_E_JOB, why);
    json_decref(stored);
    json_decref(now);
    return s;
}

hesse_status hesse_manifest_match(const char *path, const char *text, hesse_why *why)
{
    json_t *stored = NULL;
    const hesse_status s = hesse_json_load(path, &stored, why);
    return s ? s : match(path, stored, text, why);
}

hesse_status hesse_manifest_compare(const char *path, const char *stored,
                                    const char *text, hesse_why *why)
{
    json_t *parsed = NULL;
    const hesse_status s = hesse_json_parse(path, stored, strlen(stored), &parsed, why);
    return s ? s : match(path, parsed, text, why);
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length) {
        const ssize_t done = write(fd, text, length);
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) text += done, length -= (size_t)done;
    }
    return true;
}

hesse_status hesse_manifest_store(const char *path, const char *text, hesse_why *why)
{
    char *temporary = hesse_calloc(strlen(path) + 5, 1);
    if (!temporary) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    strcat(strcpy(temporary, path), ".tmp");
    const int fd = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write_all(fd, text, strlen(text)) && !fsync(fd);
    if (fd >= 0 && close(fd)) good = false;
    good = good && !rename(temporary, path);
    hesse_status s = HESSE_OK;
    if (!good) {
        s = hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s", path,
                       strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return s;
}
