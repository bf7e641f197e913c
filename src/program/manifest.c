/* Paths are left out: files are known by their digests. The other keys are compared
   name by name, so that a message can tell which one differs. A result holds its whole
   job, so it can be compared like a stored manifest. */
#include "program/manifest.h"

#include "base/memory.h"
#include "checkpoint/manifest.h"
#include "files/json.h"
#include "network/families/config.h"
#include "network/graph_json.h"
#include "output/reader.h"
#include "program/measures.h"
#include "program/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, KEY = 128 };

/* What a manifest is about: the numbers of a command, or the choice of what `run`
   writes. */
enum { WISH = HESSE_IDENTITY_LANDSCAPE + 1 };

static bool belongs(const char *path, int about)
{
    const int i = hesse_key_find(path);
    if (i < 0) return false;
    const hesse_key_role role = hesse_key_at(i)->role;
    const bool source =
        strncmp(path, "model.", 6) == 0 || strncmp(path, "data.", 5) == 0;
    switch (about) {
    case HESSE_IDENTITY_RUN:
        return role == HESSE_KEY_NUMBERS;
    case WISH:
        return role == HESSE_KEY_OUTPUT && strncmp(path, "train.", 6) != 0;
    case HESSE_IDENTITY_THEORY:
        return role == HESSE_KEY_THEORY || (role == HESSE_KEY_NUMBERS && source);
    case HESSE_IDENTITY_LANDSCAPE: /* the reduction changes the loss */
        return role == HESSE_KEY_LANDSCAPE || strcmp(path, "hessian.reduction") == 0 ||
               (role == HESSE_KEY_NUMBERS && source);
    default:
        return role == HESSE_KEY_TRAINING || (role == HESSE_KEY_NUMBERS && source);
    }
}

/* The lines of a complete job are "key: value", two spaces deeper in every section. */
static json_t *keys_of(const char *complete, int about)
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
        if (belongs(path, about))
            json_object_set_new(keys, path,
                                json_stringn(colon + 2, (size_t)(end - colon - 2)));
        at[0] = '\0';
    }
    return keys;
}

/* The contents of a manifest. */
typedef struct origin {
    const char *complete; /* all keys of the job */
    bool series;          /* the checkpoint is a series */
    char program[80];
    char config[HESSE_DIGEST_LENGTH], graph[HESSE_DIGEST_LENGTH],
        checkpoint[HESSE_DIGEST_LENGTH], data[HESSE_DIGEST_LENGTH],
        directions[HESSE_DIGEST_LENGTH], moments[HESSE_DIGEST_LENGTH],
        points[HESSE_DIGEST_LENGTH]; /* "": none */
} origin;

static void add_digest(json_t *inputs, const char *name, const char *digest)
{
    if (*digest) json_object_set_new(inputs, name, json_string(digest));
}

/* NULL: out of memory. */
static char *manifest_of(const origin *o, int about)
{
    json_t *root = json_object(), *inputs = json_object();
    if (about != WISH) {
        add_digest(inputs, "config", o->config);
        add_digest(inputs, "graph", o->graph);
        add_digest(inputs, o->series ? "series of checkpoints" : "checkpoint",
                   o->checkpoint);
        add_digest(inputs, "data", o->data);
        add_digest(inputs, "moments", o->moments);
        add_digest(inputs, "points of the sweep", o->points);
        json_object_set_new(root, "format", json_integer(FORMAT));
        json_object_set_new(root, "program", json_string(o->program));
    }
    if (about == WISH || about == HESSE_IDENTITY_LANDSCAPE)
        add_digest(inputs, "directions", o->directions);
    json_object_set_new(root, "inputs", inputs);
    json_object_set_new(root, "job", keys_of(o->complete, about));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(root);
    return text;
}

hesse_status hesse_identity_of(const hesse_job *job, const hesse_problem *problem,
                               hesse_purpose_of_identity of, hesse_identity *identity,
                               hesse_why *why)
{
    const bool landscape = of == HESSE_IDENTITY_LANDSCAPE;
    origin o = {.complete = job->complete,
                .program = "hesse " HESSE_VERSION ", " HESSE_GIT_COMMIT};
    hesse_status s = HESSE_OK;
    *identity = (hesse_identity){.of = of};
    if (job->paths.config) s = hesse_config_digest(job->paths.config, o.config, why);
    if (!s && job->paths.graph) s = hesse_graph_digest(job->paths.graph, o.graph, why);
    if (!s)
        s = landscape
                ? hesse_directions_digest(
                      job->landscape.options.axes, job->landscape.vectors,
                      "landscape.directions", identity->directions, why)
                : hesse_directions_digest(job->measures.n_directions,
                                          job->measures.vectors, "measures.directions",
                                          identity->directions, why);
    o.series = job->series.count > 0;
    if (!s && o.series) s = hesse_series_digest(job, o.checkpoint, why);
    if (s) return s;
    strcpy(o.directions, identity->directions);
    if (!o.series) strcpy(o.checkpoint, hesse_network_digest(problem->network));
    strcpy(identity->checkpoint, o.checkpoint);
    strcpy(o.data, hesse_dataset_digest(problem->dataset));
    strcpy(o.moments, job->moments);
    if (of == HESSE_IDENTITY_RUN) strcpy(o.points, job->points);
    identity->numbers = manifest_of(&o, (int)of);
    identity->wish = manifest_of(&o, WISH);
    if (!identity->numbers || !identity->wish)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a manifest");
    hesse_digest(identity->numbers, strlen(identity->numbers), identity->job);
    if (!landscape)
        hesse_digest(identity->wish, strlen(identity->wish), identity->output);
    return HESSE_OK;
}

hesse_status hesse_identity_points(hesse_job *const *jobs, int count, hesse_why *why)
{
    hesse_digester *all = hesse_digest_begin();
    bool there = all;
    for (int p = 0; there && p < count; p++) {
        json_t *keys = keys_of(jobs[p]->complete, HESSE_IDENTITY_RUN);
        char *text = json_dumps(keys, JSON_SORT_KEYS);
        there = text;
        if (text) hesse_digest_add(all, text, strlen(text));
        free(text);
        json_decref(keys);
        for (int i = 0; i < HESSE_MOST_KEYS; i++) {
            const hesse_key *key = hesse_key_at(i);
            const char *value = key ? jobs[p]->values[i] : NULL;
            if (!key) break;
            if (value && (strncmp(key->path, "model.", 6) == 0 ||
                          strncmp(key->path, "data.", 5) == 0)) {
                hesse_digest_add(all, key->path, strlen(key->path) + 1);
                hesse_digest_add(all, value, strlen(value) + 1);
            }
        }
    }
    if (all) hesse_digest_end(all, jobs[0]->points);
    if (there) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the points of a sweep");
}

void hesse_identity_free(hesse_identity *identity)
{
    free(identity->numbers);
    free(identity->wish);
    *identity = (hesse_identity){0};
}

/* Find the first name in which the job of a result differs from this one. */
static hesse_status compare(const hesse_identity *identity, const char *path,
                            const origin *found, hesse_why *why)
{
    char *numbers = manifest_of(found, (int)identity->of),
         *wish = manifest_of(found, WISH);
    hesse_status s = HESSE_OK;
    if (!numbers || !wish)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a manifest");
    if (!s) s = hesse_manifest_compare(path, numbers, identity->numbers, why);
    if (!s && *identity->output)
        s = hesse_manifest_compare(path, wish, identity->wish, why);
    free(numbers);
    free(wish);
    return s;
}

hesse_status hesse_identity_match(const hesse_identity *identity, const char *path,
                                  hesse_why *why)
{
    hesse_reader r;
    hesse_why ignored;
    char job[HESSE_DIGEST_LENGTH], output[HESSE_DIGEST_LENGTH], version[32], commit[32],
        steps[32];
    origin o;
    hesse_status s = HESSE_OK;
    if (!hesse_reader_open(path, &r, &ignored)) {
        hesse_reader_attribute(r.file, "job_identity", job, sizeof job);
        hesse_reader_attribute(r.file, "output_identity", output, sizeof output);
        hesse_reader_attribute(r.file, "hesse_version", version, sizeof version);
        hesse_reader_attribute(r.file, "git_commit", commit, sizeof commit);
        hesse_reader_attribute(r.file, "config_sha256", o.config, sizeof o.config);
        hesse_reader_attribute(r.file, "graph_sha256", o.graph, sizeof o.graph);
        hesse_reader_attribute(r.file, "checkpoint_sha256", o.checkpoint,
                               sizeof o.checkpoint);
        hesse_reader_attribute(r.file, "data_sha256", o.data, sizeof o.data);
        hesse_reader_attribute(r.file, "directions_sha256", o.directions,
                               sizeof o.directions);
        hesse_reader_attribute(r.file, "steps", steps, sizeof steps);
        o.series = *steps;
        hesse_reader_attribute(r.file, "moments_sha256", o.moments, sizeof o.moments);
        hesse_reader_attribute(r.file, "points_sha256", o.points, sizeof o.points);
        char *complete = hesse_reader_note(&r, "job_complete");
        H5Fclose(r.file);
        const bool same = !strcmp(job, identity->job);
        if (same && !strcmp(output, identity->output)) {
            free(complete);
            return HESSE_OK;
        }
        snprintf(o.program, sizeof o.program, "hesse %s, %s", version, commit);
        o.complete = complete;
        if (complete) s = compare(identity, path, &o, why);
        free(complete);
    }
    if (s) return s == HESSE_E_NOMEM ? s : HESSE_E_OUTPUT;
    return hesse_fail(why, HESSE_E_OUTPUT,
                      "%s: is there, and not the result of this job with these inputs "
                      "and this program",
                      path);
}
