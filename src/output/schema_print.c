/* The schema is printed here: as tables of the documentation for people, and as JSON
   for other programs. */
#include "output/schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const SECTIONS[HESSE_SECTIONS] = {
    [HESSE_SECTION_FILE] = "file",
    [HESSE_SECTION_PROGRAM] = "program",
    [HESSE_SECTION_JOB] = "job",
    [HESSE_SECTION_MODEL] = "model",
    [HESSE_SECTION_DATA] = "data",
    [HESSE_SECTION_TIMES] = "times",
    [HESSE_SECTION_GROUPS] = "groups",
    [HESSE_SECTION_RANKS] = "ranks",
    [HESSE_SECTION_PARAMETERS] = "parameters",
    [HESSE_SECTION_BLOCKS] = "blocks",
    [HESSE_SECTION_SPECTRA] = "spectra",
    [HESSE_SECTION_SPECTRA_ATTRIBUTES] = "spectra_attributes",
    [HESSE_SECTION_METRICS] = "metrics",
    [HESSE_SECTION_METRICS_ATTRIBUTES] = "metrics_attributes",
    [HESSE_SECTION_MATRICES] = "matrices",
    [HESSE_SECTION_TRAIN] = "train",
    [HESSE_SECTION_TRAIN_ATTRIBUTES] = "train_attributes",
    [HESSE_SECTION_MEASURES] = "measures",
    [HESSE_SECTION_MEASURES_ATTRIBUTES] = "measures_attributes",
    [HESSE_SECTION_SERIES] = "series",
    [HESSE_SECTION_SWEEP] = "sweep",
    [HESSE_SECTION_THEORY] = "theory",
    [HESSE_SECTION_LANDSCAPE] = "landscape",
    [HESSE_SECTION_LANDSCAPE_ATTRIBUTES] = "landscape_attributes"};

static const char *type_of(const hesse_schema_row *row)
{
    static const char *const names[] = {[HESSE_CONTENT_NUMBER] = "float64",
                                        [HESSE_CONTENT_WHOLE] = "int64",
                                        [HESSE_CONTENT_TEXT] = "text",
                                        [HESSE_CONTENT_GROUP] = "group"};
    return names[row->content];
}

/* Print the text of a cell and escape every bar, which would end the cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
    fputs(" |", out);
}

static void print_dataset(FILE *out, const hesse_schema_row *row)
{
    fprintf(out, "| `/%s` | ", row->path);
    for (int i = 0; i < 2; i++) {
        const char *length = hesse_schema_axis(row->axes[i]).length;
        if (length) fprintf(out, "%s%s", i ? " × " : "", length);
    }
    if (row->flat) fprintf(out, ", or %s", hesse_schema_axis(row->axes[0]).length);
    fprintf(out, " | %s | %s%s%s | ", type_of(row), row->units,
            row->scaled ? ", or " : "", row->scaled ? row->scaled : "");
    print_cell(out, row->description);
    fputc('\n', out);
}

static void print_attribute(FILE *out, const hesse_schema_row *row, bool of_dataset)
{
    const char *mark = row->optional ? "*" : "";
    if (of_dataset) fprintf(out, "| `/%s` ", row->path);
    fprintf(out, "| %s`%s`%s%s | %s | ", mark, row->attribute, mark,
            of_dataset || strcmp(row->path, "*") != 0 ? "" : ", of every object",
            type_of(row));
    print_cell(out, row->description);
    fputc('\n', out);
}

static void print_group(FILE *out, const hesse_schema_row *row)
{
    fprintf(out, "| `/%s` | ", row->path);
    print_cell(out, row->description);
    fputc('\n', out);
}

static void print_section(FILE *out, hesse_section section)
{
    const bool of_dataset = section == HESSE_SECTION_SPECTRA_ATTRIBUTES ||
                            section == HESSE_SECTION_METRICS_ATTRIBUTES ||
                            section == HESSE_SECTION_MEASURES_ATTRIBUTES;
    const hesse_schema_row *row;
    bool first = true;
    fprintf(out, "<!-- generated: %s -->\n", SECTIONS[section]);
    for (size_t i = 0; (row = hesse_schema_row_at(i)); i++) {
        if (row->section != section) continue;
        const bool group = row->content == HESSE_CONTENT_GROUP;
        if (first)
            fputs(of_dataset       ? "| dataset | attribute | type | meaning |\n"
                                     "|---|---|---|---|\n"
                  : row->attribute ? "| attribute | type | meaning |\n|---|---|---|\n"
                  : group          ? "| group | meaning |\n|---|---|\n"
                                   : "| dataset | shape | type | units | meaning |\n"
                                     "|---|---|---|---|---|\n",
                  out);
        first = false;
        if (row->attribute)
            print_attribute(out, row, of_dataset);
        else if (group)
            print_group(out, row);
        else
            print_dataset(out, row);
    }
    fputs("<!-- end -->\n", out);
}

/* Print the order in which viewers prefer what they can draw. */
static void print_pictures(FILE *out)
{
    const hesse_schema_row *row;
    fputs("<!-- generated: pictures -->\n| object | place |\n|---|---|\n", out);
    for (size_t i = 0; (row = hesse_schema_row_at(i)); i++)
        if (row->draw)
            fprintf(out, "| %s `/%s` | %d |\n",
                    row->content == HESSE_CONTENT_GROUP ? "group" : "dataset",
                    row->path, row->draw);
    fputs("<!-- end -->\n", out);
}

/* The last name of a row in schema 1, in place of its present one. */
static json_t *name_in_1(const char *present, const hesse_schema_row *row)
{
    if (!row->in_1) return json_string(present);
    return *row->in_1 ? json_string(row->in_1) : json_null();
}

/* Make the JSON of a row at a path. Some rows have two paths. */
static json_t *row_json(const hesse_schema_row *row, const char *path, bool one)
{
    const char *last = strrchr(path, '/');
    const char *name = row->attribute ? row->attribute : last ? last + 1 : path;
    json_t *shape = json_array();
    for (int i = 0; i < 2 && !one; i++) {
        const char *label = hesse_schema_axis(row->axes[i]).label;
        if (label) json_array_append_new(shape, json_string(label));
    }
    const bool group = row->content == HESSE_CONTENT_GROUP;
    return json_pack(
        "{ss, ss, ss*, ss, ss, so, sb, ss*, ss*, ss, sb, sb, si, ss*, s{so, ss}}",
        "section", SECTIONS[row->section], "path", path, "attribute", row->attribute,
        "kind",
        row->attribute ? "attribute"
        : group        ? "group"
                       : "dataset",
        "type", type_of(row), "shape", shape, "first_axis_alone", (int)row->flat,
        "units", row->units, "units_scaled", row->scaled, "description",
        row->description, "shares", (int)row->shares, "optional", (int)row->optional,
        "draw", one ? 0 : row->draw, "link", row->link, "names", "1",
        name_in_1(name, row), "2", name);
}

static hesse_status print_json(FILE *out, hesse_why *why)
{
    const hesse_schema_row *row;
    char path[HESSE_PATH];
    json_t *rows = json_array(), *axes = json_object();
    for (size_t i = 0; (row = hesse_schema_row_at(i)); i++) {
        json_array_append_new(rows, row_json(row, row->path, false));
        if (!row->full) continue;
        snprintf(path, sizeof path, "spectra/full/%s", strchr(row->path, '/') + 1);
        json_array_append_new(rows, row_json(row, path, true));
    }
    for (int i = HESSE_AXIS_NONE + 1; i < HESSE_AXES; i++) {
        const hesse_axis_name axis = hesse_schema_axis((hesse_axis_id)i);
        json_object_set_new(
            axes, axis.label,
            json_pack("{ss, ss*}", "length", axis.length, "scale", axis.scale));
    }
    json_t *all = json_pack("{si, si, so, so}", "schema_version", HESSE_SCHEMA_VERSION,
                            "oldest_version_read", HESSE_SCHEMA_OLDEST, "axes", axes,
                            "rows", rows);
    char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    if (text) fprintf(out, "%s\n", text);
    json_decref(all);
    const bool good = text;
    free(text);
    return good ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "schema: no memory");
}

hesse_status hesse_schema_print(FILE *out, bool markdown, hesse_why *why)
{
    if (!markdown) return print_json(out, why);
    for (int i = 0; i < HESSE_SECTIONS; i++) print_section(out, (hesse_section)i);
    print_pictures(out);
    return HESSE_OK;
}
