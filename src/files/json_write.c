/* An answer is made as a whole before it is printed, so that a command that fails
   prints none of it. jansson accepts NULL everywhere and reports a failure; the first
   one is kept, as in the readers and writers of HDF5. */
#include "files/json_write.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

hesse_json hesse_json_begin(const char *version, const char *command)
{
    hesse_json j = {.root = json_object()};
    hesse_json_set(&j, j.root, "format", json_integer(HESSE_JSON_FORMAT));
    hesse_json_set(&j, j.root, "hesse", hesse_json_text(version));
    hesse_json_set(&j, j.root, "command", hesse_json_text(command));
    return j;
}

json_t *hesse_json_set(hesse_json *j, json_t *object, const char *name, json_t *value)
{
    const bool bad = json_object_set_new(object, name, value) != 0;
    j->failed |= bad;
    return bad ? NULL : value;
}

json_t *hesse_json_append(hesse_json *j, json_t *list, json_t *value)
{
    const bool bad = json_array_append_new(list, value) != 0;
    j->failed |= bad;
    return bad ? NULL : value;
}

json_t *hesse_json_number(double x)
{
    if (isnan(x)) return json_null();
    if (isinf(x)) return json_string(x > 0 ? "Infinity" : "-Infinity");
    return json_real(x);
}

json_t *hesse_json_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : hesse_copy(text);
    for (char *c = copy; c && *c; c++)
        if (*c & 0x80) *c = '?';
    if (copy) value = json_string(copy);
    free(copy);
    return value;
}

hesse_status hesse_json_end(hesse_json *j, FILE *out, hesse_why *why)
{
    char *text = NULL;
    if (out && !j->failed)
        text = json_dumps(j->root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(j->root);
    const bool failed = out && !text;
    if (text) fprintf(out, "%s\n", text);
    free(text);
    *j = (hesse_json){NULL, false};
    return failed ? hesse_fail(why, HESSE_E_NOMEM, "out of memory for JSON") : HESSE_OK;
}
