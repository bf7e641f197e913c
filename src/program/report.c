/* Checks of one rank may take long, so that every line is printed at once. */
#include "program/report.h"

#include <stdarg.h>

hesse_report hesse_report_begin(hesse_team *team, const hesse_options *options)
{
    const bool first = hesse_team_rank(team) == 0;
    hesse_report r = {.team = team,
                      .command = options->command->name,
                      .lines = first && !options->json,
                      .out = first && options->json ? stdout : NULL,
                      .json = hesse_json_begin(HESSE_VERSION, options->command->name)};
    r.list = hesse_json_set(&r.json, r.json.root, "checks", json_array());
    return r;
}

void hesse_report_line(const hesse_report *r, const char *format, ...)
{
    va_list args;
    if (!r->lines) return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

void hesse_report_number(hesse_report *r, const char *name, double value)
{
    hesse_json_set(&r->json, r->json.root, name, hesse_json_number(value));
}

void hesse_report_check(hesse_report *r, const char *what, double figure, double bound)
{
    hesse_status s = HESSE_OK;
    if (!(figure <= bound))
        s = hesse_fail(hesse_team_why(r->team), HESSE_E_NUMERIC,
                       "%s: %s: relative defect %.2e, expected at most %.0e",
                       r->command, what, figure, bound);
    s = hesse_agree(r->team, s);
    hesse_report_line(r, "%-58s %9.2e  (at most %.0e)  %s", what, figure, bound,
                      s ? "FAILED" : "ok");
    json_t *entry = hesse_json_append(&r->json, r->list, json_object());
    hesse_json_set(&r->json, entry, "name", hesse_json_text(what));
    hesse_json_set(&r->json, entry, "figure", hesse_json_number(figure));
    hesse_json_set(&r->json, entry, "bound", hesse_json_number(bound));
    hesse_json_set(&r->json, entry, "passed", json_boolean(!s));
    r->checks++;
    if (s && !r->failed) r->failed = s, r->first = *hesse_team_why(r->team);
}

hesse_status hesse_report_end(hesse_report *r, hesse_status status)
{
    hesse_json_set(&r->json, r->json.root, "passed", json_boolean(!r->failed));
    hesse_status s =
        hesse_json_end(&r->json, status ? NULL : r->out, hesse_team_why(r->team));
    s = status ? status : hesse_agree(r->team, s);
    if (s || !r->failed) return s;
    *hesse_team_why(r->team) = r->first;
    return r->failed;
}
