/* Devices and products: is it this one, in this version, and how sure is that. */
#include "advisory/advisory_private.h"

#include "base/alloc.h"
#include "base/attr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 512
#define FIT_CODE 95   /* the order code is the model number */
#define FIT_NAMED 90  /* ... or stands in the product's name; the model is the product's name */
#define FIT_PART 75   /* the model stands in the name */
#define FIT_FAMILY 60 /* the name stands in the model */

/* How a product and a device go together. */
struct fit {
    unsigned confidence; /* 0: they do not */
    const char *what;    /* "order code", "model" */
    const char *how;     /* "equals", "is in" */
    const char *with;
};

enum verdict {
    IS_NOT,
    IS_UNKNOWN,
    IS,
};

/* What was found of a product: lists may name it again and again. */
struct found {
    bool is_fitted, is_judged;
    enum verdict verdict;
    struct fit fit;
    const struct version_interval *why;
};

struct device {
    const struct advisory_device *told;
    char vendor[VENDOR_MAX], model[TEXT_MAX], code[TEXT_MAX], firmware[TEXT_MAX];
    struct found *found; /* of the products of one advisory */
};

const char *
advisory_status_word(enum advisory_status status)
{
    static const char *const words[] = {"affected", "may be affected", "under investigation"};
    return words[status];
}

/* ---- Texts ---- */

/* Letters and digits alone, in small letters; of a pattern, '*' and '?' as well. */
static const char *
squeeze(const char *text, char *to, size_t size, bool is_pattern)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\\' && is_pattern && text[1]) { /* what stands for itself */
            c = (unsigned char)*++text;
            if (!isalnum(c))
                continue;
        }
        if (isalnum(c) || c >= 0x80 || (is_pattern && (c == '*' || c == '?')))
            to[n++] = (char)tolower(c);
    }
    to[n] = '\0';
    return to;
}

static bool
glob(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* What stands for itself in a pattern; none, if it has wildcards and says next to nothing else:
 * many devices would be that. */
static size_t
n_telling(const char *pattern)
{
    size_t n = 0;
    for (const char *c = pattern; *c; c++)
        n += *c != '*' && *c != '?';
    return n == strlen(pattern) || n >= 4 ? n : 0;
}

/* Whole words, one behind the other. */
static bool
has_words(const char *text, const char *words)
{
    size_t n = strlen(words);
    for (const char *at = text; (at = strstr(at, words)); at++) {
        if ((at == text || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return true;
    }
    return false;
}

/* It says enough to know a model by: letters or digits, four together, with a digit. */
static bool
is_telling(const char *words)
{
    return strlen(words) >= 4 && strpbrk(words, "0123456789");
}

/* ---- Is it this product ---- */

static struct fit
fit_code(const struct product *p, const struct device *d)
{
    char pattern[TEXT_MAX], name[TEXT_MAX];
    for (size_t i = 0; i < p->n_numbers; i++) {
        squeeze(p->numbers[i], pattern, sizeof pattern, true);
        if (n_telling(pattern) && *d->code && glob(pattern, d->code))
            return (struct fit){FIT_CODE, "order code", "equals", p->numbers[i]};
    }
    for (size_t i = 0; i < p->n_numbers && *d->model; i++) {
        char model[TEXT_MAX];
        squeeze(p->numbers[i], pattern, sizeof pattern, true);
        squeeze(d->model, model, sizeof model, false);
        if (n_telling(pattern) >= 4 && glob(pattern, model))
            return (struct fit){FIT_CODE, "model", "equals", p->numbers[i]};
    }
    squeeze(p->model, name, sizeof name, false);
    if (strlen(d->code) >= 7 && strpbrk(d->code, "0123456789") && strstr(name, d->code))
        return (struct fit){FIT_NAMED, "order code", "is in", p->name};
    return (struct fit){0, NULL, NULL, NULL};
}

static struct fit
fit_model(const struct product *p, const struct device *d)
{
    const char *names[] = {p->model, p->cpe_product};
    struct fit fit = {0, NULL, NULL, NULL};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *name = names[i];
        if (!name || !*name || !*d->model)
            continue;
        if (!strcmp(name, d->model))
            return (struct fit){FIT_NAMED, "model", "equals", p->name};
        if (is_telling(d->model) && has_words(name, d->model) && fit.confidence < FIT_PART)
            fit = (struct fit){FIT_PART, "model", "is in", p->name};
        if (is_telling(name) && has_words(d->model, name) && fit.confidence < FIT_FAMILY)
            fit = (struct fit){FIT_FAMILY, "model", "has", p->name};
    }
    return fit;
}

static struct fit
fit_product(const struct product *p, const struct device *d)
{
    bool is_other = *p->vendor && *d->vendor && strcmp(p->vendor, d->vendor) != 0;
    if (is_other && d->told->vendor_confidence >= ADVISORY_VENDOR_WEAK)
        return (struct fit){0, NULL, NULL, NULL};
    struct fit fit = fit_code(p, d);
    if (!fit.confidence)
        fit = fit_model(p, d);
    if (!*p->vendor || !*d->vendor || is_other) /* a model by itself may be another maker's, too */
        fit.confidence = fit.confidence * 7 / 10;
    return fit;
}

static struct fit
fit_of(const struct product *p, const struct device *d)
{
    struct found *f = &d->found[p->index];
    if (!f->is_fitted)
        f->fit = fit_product(p, d);
    f->is_fitted = true;
    return f->fit;
}

/* ---- In this version ---- */

static enum verdict
judge_version(const struct product *p, const struct device *d, const struct version_interval **why)
{
    *why = NULL;
    if (!p->has_range)
        return IS;
    if (p->range.is_all)
        return IS;
    if (p->range.is_unreadable || !*d->firmware)
        return IS_UNKNOWN;
    return version_range_has(&p->range, d->firmware, why) ? IS : IS_NOT;
}

static enum verdict
verdict_of(const struct product *p, const struct device *d, const struct version_interval **why)
{
    struct found *f = &d->found[p->index];
    if (!f->is_judged)
        f->verdict = judge_version(p, d, &f->why);
    f->is_judged = true;
    *why = f->why;
    return f->verdict;
}

static void
explain(struct buf *b, const struct product *p, const struct device *d, const struct fit *fit,
        enum verdict verdict, const struct version_interval *why)
{
    const struct advisory_device *told = d->told;
    bool is_code = !strcmp(fit->what, "order code");
    buf_printf(b, "%s %s %s %s; ", fit->what, is_code ? told->order_code : told->model, fit->how,
               fit->with);
    if (*p->vendor && *d->vendor)
        buf_printf(b, "maker %s; ", strcmp(p->vendor, d->vendor) ? "may be another" : d->vendor);
    else
        buf_printf(b, "maker of the %s is not told; ", *d->vendor ? "product" : "device");
    if (!p->has_range || p->range.is_all) {
        buf_str(b, "every version");
    } else if (verdict == IS) {
        buf_printf(b, "firmware %s ", d->firmware);
        version_interval_explain(b, why);
    } else if (p->range.is_unreadable) {
        buf_printf(b, "which versions cannot be read: %s", p->range.text);
    } else {
        buf_printf(b, "firmware is not known, versions %s", p->range.text);
    }
}

/* ---- A vulnerability ---- */

static bool
is_listed(const struct listed *l, const struct product *p)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->products[i] == p)
            return true;
    }
    return false;
}

/* Of those in the lists that are the device, how well the best fits. */
static unsigned
best_fit(const struct vulnerability *v, const struct device *d)
{
    const struct listed *lists[] = {&v->affected, &v->not_affected, &v->investigated};
    unsigned best = 0;
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            struct fit fit = fit_of(lists[k]->products[i], d);
            best = MAX(best, fit.confidence);
        }
    }
    return best;
}

/* One that fits best, and whose versions have the device's. NULL: none. `*verdict`: IS, if one is
 * for sure. */
static const struct product *
find_in(const struct listed *l, const struct device *d, unsigned best, enum verdict *verdict,
        struct fit *fit, const struct version_interval **why)
{
    const struct product *found = NULL;
    *verdict = IS_NOT;
    for (size_t i = 0; i < l->n && *verdict != IS; i++) {
        const struct version_interval *its_why;
        struct fit its = fit_of(l->products[i], d);
        if (!its.confidence || its.confidence < best)
            continue;
        enum verdict is = verdict_of(l->products[i], d, &its_why);
        if (is <= *verdict)
            continue;
        *verdict = is;
        *fit = its;
        *why = its_why;
        found = l->products[i];
    }
    return found;
}

/* It is said of this very version that it is not affected, or that it has been mended. */
static bool
is_ruled_out(const struct vulnerability *v, const struct device *d, unsigned best)
{
    for (size_t i = 0; i < v->not_affected.n; i++) {
        const struct product *p = v->not_affected.products[i];
        const struct version_interval *why;
        struct fit fit = fit_of(p, d);
        if (fit.confidence < best || !fit.confidence)
            continue;
        if (!p->has_range || verdict_of(p, d, &why) == IS)
            return true;
    }
    return false;
}

static void
add_scores(const struct vulnerability *v, const struct product *p, struct advisory_match *m)
{
    m->score = -1;
    for (size_t i = 0; i < v->n_scores; i++) {
        if (is_listed(&v->scores[i].products, p) && v->scores[i].base > m->score) {
            m->score = v->scores[i].base;
            m->severity = v->scores[i].severity;
        }
    }
    for (size_t i = 0; i < v->n_remedies && !m->remedy; i++) {
        const struct remedy *r = &v->remedies[i];
        if (!r->products.n || is_listed(&r->products, p)) {
            m->remedy = r->text;
            m->url = r->url;
        }
    }
}

static bool
match(const struct vulnerability *v, const struct device *d, struct buf *reason,
      struct advisory_match *m)
{
    unsigned best = best_fit(v, d);
    enum verdict verdict;
    struct fit fit;
    const struct version_interval *why;
    if (!best || is_ruled_out(v, d, best))
        return false;
    const struct product *p = find_in(&v->affected, d, best, &verdict, &fit, &why);
    m->status = verdict == IS ? ADVISORY_AFFECTED : ADVISORY_MAY_BE;
    if (!p) {
        p = find_in(&v->investigated, d, best, &verdict, &fit, &why);
        m->status = ADVISORY_INVESTIGATED;
    }
    if (!p)
        return false;
    /* Which version it is, is the half of it; that every one is affected is seldom meant so. */
    unsigned percent = verdict != IS ? 50 : !p->has_range ? 80 : 100;
    m->confidence = MAX(fit.confidence * percent / 100, 1u);
    m->product = p->name;
    explain(reason, p, d, &fit, verdict, why);
    add_scores(v, p, m);
    return true;
}

/* ---- All of them ---- */

/* Of SEL's "SEL-751-R110-V0-Z005003-D20130515" what is the version. */
static void
take_firmware(const char *text, char *firmware, size_t size)
{
    const char *r = text;
    while ((r = strstr(r, "-R")) && !isdigit((unsigned char)r[2]))
        r++;
    const char *from = r && strstr(r, "-V") ? r + 1 : text;
    size_t n = strlen(from);
    const char *zone = from != text ? strstr(from, "-Z") : NULL;
    n = zone ? (size_t)(zone - from) : n;
    n = MIN(n, size - 1);
    memcpy(firmware, from, n);
    firmware[n] = '\0';
    if (!version_is_one(firmware))
        *firmware = '\0';
}

void
advisories_match(const struct advisories *all, const struct advisory_device *told,
                 void (*fn)(void *, const struct advisory_match *), void *arg)
{
    struct device d = {.told = told};
    struct buf reason = BUF_INIT;
    vendor_name(told->vendor ? told->vendor : "", d.vendor);
    advisory_words(told->model ? told->model : "", d.model, sizeof d.model);
    squeeze(told->order_code ? told->order_code : "", d.code, sizeof d.code, false);
    take_firmware(told->firmware ? told->firmware : "", d.firmware, sizeof d.firmware);
    if (!*d.model && !*d.code)
        return;
    for (const struct advisory *a = all->first; a; a = a->next) {
        d.found = xcalloc(a->n_products + 1, sizeof *d.found);
        for (size_t i = 0; i < a->n_vulnerabilities; i++) {
            const struct vulnerability *v = &a->vulnerabilities[i];
            struct advisory_match m = {.advisory = a->id,
                                       .publisher = a->publisher,
                                       .title = a->title,
                                       .cve = v->cve,
                                       .name = v->title};
            buf_clear(&reason);
            if (!match(v, &d, &reason, &m))
                continue;
            m.reason = buf_cstr(&reason);
            fn(arg, &m);
        }
        free(d.found);
    }
    buf_fini(&reason);
}
