/* Keys that change no number are left out, and so are paths: files are known by their
   digests. What is left is compared name by name, so that a message can tell which. */
#include "program/manifest.h"

#include "base/memory.h"
#include "files/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1, KEY = 128 };

/* Whether a key changes numbers. */
static bool matters(const char *key)
{
    const int i = hesse_key_find(key);
    return i >= 0 && hesse_key_at(i)->role == HESSE_KEY_NUMBERS;
}

/* The lines of a complete job are "key: value", two spaces deeper in every section. */
static json_t *keys_of(const char *complete)
{
    json_t *keys = json_object();
    char path[KEY] = "";
    for (const char *line = complete; keys && *line; line += strspn(line, "\n")) {
        const size_t length = strcspn(line, "\n"), depth = strspn(line, " ") / 2;
        const char *name = line + 2 * depth, *end = line + length;
        const char *colon = memchr(name, ':', (size_t)(end - name));
        line = end;
        if (!colon) continue;
        char *at = path;
        for (size_t i = 0; i < depth && strchr(at, '.'); i++) at = strchr(at, '.') + 1;
        snprintf(at, sizeof path - (size_t)(at - path), "%.*s.", (int)(colon - name),
                 name);
        if (end - colon < 3) continue; /* a section */
        at[strlen(at) - 1] = '\0';
        if (matters(path))
            json_object_set_new(keys, path,
                                json_stringn(colon + 2, (size_t)(end - colon - 2)));
        at[0] = '\0';
    }
    return keys;
}

static void add_digest(json_t *inputs, const char *name, const char *digest)
{
    if (*digest) json_object_set_new(inputs, name, json_string(digest));
}

static json_t *inputs_of(const hesse_model *m, const char *config)
{
    json_t *inputs = json_object();
    add_digest(inputs, "config", config);
    add_digest(inputs, "checkpoint", m->checkpoint);
    add_digest(inputs, "data", m->batch.digest);
    return inputs;
}

hesse_status hesse_manifest_of(const hesse_job *job, const hesse_model *model,
                               char **text, char identity[HESSE_DIGEST_LENGTH],
                               hesse_why *why)
{
    char config[HESSE_DIGEST_LENGTH] = "";
    hesse_status s = HESSE_OK;
    *text = NULL;
    if (job->paths.config) s = hesse_digest_file(job->paths.config, config, why);
    if (s) return s;
    json_t *root = json_object();
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "program",
                        json_string("hesse " HESSE_VERSION ", " HESSE_GIT_COMMIT));
    json_object_set_new(root, "inputs", inputs_of(model, config));
    json_object_set_new(root, "job", keys_of(job->complete));
    *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(root);
    if (!*text) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a manifest");
    hesse_digest(*text, strlen(*text), identity);
    return HESSE_OK;
}

/* The first name of which one has another value than the other. */
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
            return hesse_fail(why, status,
                              "%s: %s%s was %s and is %s now; --resume expects the "
                              "same, --force begins anew",
                              path, what, name, was, is);
        }
    }
    return HESSE_OK;
}

hesse_status hesse_manifest_match(const char *path, const char *text, hesse_why *why)
{
    json_t *stored = NULL, *now = NULL;
    hesse_status s = hesse_json_load(path, &stored, why);
    if (!s) s = hesse_json_parse(path, text, strlen(text), &now, why);
    if (!s && !json_is_object(json_object_get(stored, "job")))
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: is no manifest of a run; --force begins anew", path);
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
