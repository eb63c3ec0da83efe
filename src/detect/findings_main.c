/* tieline-findings - what the machines find in captures: a line of JSON for each finding. For
 * development and tests; it is not installed. */
#include "base/log.h"
#include "detect/machines.h"
#include "io/mapped_file.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"

#include <stdio.h>
#include <stdlib.h>

static struct machines *machines;
static struct buf line;

static void
on_finding(void *arg UNUSED, const struct finding *f)
{
    char time[TIME_TEXT_SIZE];
    buf_clear(&line);
    buf_printf(&line, "{\"frame\":%u,\"time\":\"%s\",\"finding\":\"%s\"",
               f->frame ? f->frame->number : 0, time_format(f->time, time), f->name);
    if (f->conversation) {
        buf_str(&line, ",\"from\":\"");
        end_put(&line, &f->conversation->key, f->way);
        buf_str(&line, "\",\"to\":\"");
        end_put(&line, &f->conversation->key, !f->way);
        buf_str(&line, "\"");
    }
    if (f->object) {
        buf_str(&line, ",\"object\":");
        text_json_put(&line, f->object, strlen(f->object));
    }
    buf_str(&line, ",\"detail\":");
    text_json_put(&line, f->detail, strlen(f->detail));
    buf_str(&line, "}\n");
    fwrite(line.data, 1, line.size, stdout);
}

static void
on_message(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    machines_message(machines, c, way, f, p);
}

static void
on_malformed(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *where)
{
    machines_malformed(machines, c, way, f, where);
}

static void
on_packet(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    machines_packet(machines, c, way, f, l);
}

static void
on_odd(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
       enum stream_news news)
{
    machines_odd(machines, c, way, f, news);
}

static bool
read_capture(struct sensor *sensor, const char *path)
{
    static struct capture capture;
    struct diag diag = {""};
    struct mapped_file file;
    struct frame frame;
    enum err err = mapped_file_open(path, &file, &diag);
    if (err) {
        log_error("%s", diag.text);
        return false;
    }
    err = capture_open(&capture, file.data, file.size, &diag);
    while (!err && !(err = capture_next(&capture, &frame, &diag)))
        sensor_frame(sensor, &frame);
    sensor_end(sensor);
    mapped_file_close(&file);
    if (err != ERR_NOT_FOUND)
        log_warn("%s: %s", path, diag.text);
    return err == ERR_NOT_FOUND || err == ERR_TRUNCATED;
}

int
main(int argc, char **argv)
{
    const struct watch_config watch = {.found = on_finding};
    const struct sensor_config config = {.protocols = protocols_all,
                                         .message = on_message,
                                         .malformed = on_malformed,
                                         .packet = on_packet,
                                         .odd = on_odd};
    bool is_well = true;
    log_init("tieline-findings", LOG_INFO);
    if (argc < 2) {
        fputs("usage: tieline-findings CAPTURE...\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        machines = machines_new(&watch);
        struct sensor *sensor = sensor_new(&config);
        is_well &= read_capture(sensor, argv[i]);
        sensor_free(sensor);
        machines_free(machines);
    }
    buf_fini(&line);
    return is_well && !fflush(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
