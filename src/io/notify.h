/* notify.h - tells systemd how the service is (sd_notify(3)): a datagram to the socket that
 * NOTIFY_SOCKET names. */
#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

/* This process is the service's main one from now on, and ready. Nothing happens where nobody wants
 * to know, or nobody hears it. */
void notify_main_process(void);

#endif
