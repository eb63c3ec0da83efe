/* What services and structures consist of (OPC 10000-4 sections 5 and 7), in the order of their
 * binary encoding. */
#include "proto/ot/opcua/opcua_private.h"

static const struct opcua_part a_text[] = {
    {UA_TEXT, OPCUA_NONE, "text", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_status[] = {
    {UA_STATUS, OPCUA_NONE, "status code", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_diagnostic[] = {
    {UA_DIAGNOSTIC, OPCUA_NONE, "diagnostic info", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_number[] = {
    {UA_U32, OPCUA_NONE, "number", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_node[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_variant[] = {
    {UA_VARIANT, OPCUA_NONE, "argument", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part an_extension[] = {
    {UA_EXTENSION, OPCUA_NONE, "structure", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part discovery_url[] = {
    {UA_TEXT, OPCUA_DISCOVERY_URL, "discovery URL", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part object_status[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part a_subscription[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part an_item[] = {
    {UA_U32, OPCUA_ITEM, "monitored item id", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part application[] = {
    {UA_TEXT, OPCUA_APPLICATION_URI, "application URI", NULL},
    {UA_TEXT, OPCUA_PRODUCT_URI, "product URI", NULL},
    {UA_LOCALIZED, OPCUA_APPLICATION_NAME, "application name", NULL},
    {UA_U32, OPCUA_APPLICATION_TYPE, "application type", NULL},
    {UA_TEXT, OPCUA_NONE, "gateway server URI", NULL},
    {UA_TEXT, OPCUA_NONE, "discovery profile URI", NULL},
    {UA_LIST, OPCUA_NONE, "discovery URLs", discovery_url},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part user_token_policy[] = {
    {UA_TEXT, OPCUA_NONE, "policy id", NULL},
    {UA_U32, OPCUA_TOKEN_TYPE, "user token type", NULL},
    {UA_TEXT, OPCUA_NONE, "issued token type", NULL},
    {UA_TEXT, OPCUA_NONE, "issuer endpoint URL", NULL},
    {UA_TEXT, OPCUA_TOKEN_POLICY, "security policy URI", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part endpoint[] = {
    {UA_ITSELF, OPCUA_NONE, "endpoint", NULL},
    {UA_TEXT, OPCUA_ENDPOINT_URL, "endpoint URL", NULL},
    {UA_STRUCT, OPCUA_NONE, "server", application},
    {UA_SIZE, OPCUA_CERTIFICATE_SIZE, "server certificate", NULL},
    {UA_U32, OPCUA_MODE, "security mode", NULL},
    {UA_TEXT, OPCUA_POLICY, "security policy URI", NULL},
    {UA_LIST, OPCUA_NONE, "user identity tokens", user_token_policy},
    {UA_TEXT, OPCUA_NONE, "transport profile URI", NULL},
    {UA_U8, OPCUA_SECURITY_LEVEL, "security level", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part signature[] = {
    {UA_TEXT, OPCUA_NONE, "algorithm", NULL},
    {UA_SIZE, OPCUA_NONE, "signature", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part certificate[] = {
    {UA_SIZE, OPCUA_NONE, "certificate", NULL},
    {UA_SIZE, OPCUA_NONE, "signature", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part other_application[] = {
    {UA_OTHERS, OPCUA_NONE, "server", NULL},
    {UA_STRUCT, OPCUA_NONE, "server", application},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part server_on_network[] = {
    {UA_OTHERS, OPCUA_NONE, "server", NULL},
    {UA_U32, OPCUA_NONE, "record id", NULL},
    {UA_TEXT, OPCUA_APPLICATION_NAME, "server name", NULL},
    {UA_TEXT, OPCUA_DISCOVERY_URL, "discovery URL", NULL},
    {UA_LIST, OPCUA_NONE, "capabilities", a_text},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part registered_name[] = {
    {UA_LOCALIZED, OPCUA_APPLICATION_NAME, "server name", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part registered_server[] = {
    {UA_TEXT, OPCUA_APPLICATION_URI, "server URI", NULL},
    {UA_TEXT, OPCUA_PRODUCT_URI, "product URI", NULL},
    {UA_LIST, OPCUA_NONE, "server names", registered_name},
    {UA_U32, OPCUA_APPLICATION_TYPE, "server type", NULL},
    {UA_TEXT, OPCUA_NONE, "gateway server URI", NULL},
    {UA_LIST, OPCUA_NONE, "discovery URLs", discovery_url},
    {UA_TEXT, OPCUA_NONE, "semaphore file", NULL},
    {UA_BOOL, OPCUA_NONE, "is online", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part read_value_id[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_U32, OPCUA_ATTRIBUTE, "attribute id", NULL},
    {UA_TEXT, OPCUA_INDEX_RANGE, "index range", NULL},
    {UA_NAME, OPCUA_NONE, "data encoding", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part history_read_value_id[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_TEXT, OPCUA_INDEX_RANGE, "index range", NULL},
    {UA_NAME, OPCUA_NONE, "data encoding", NULL},
    {UA_SIZE, OPCUA_NONE, "continuation point", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part history_read_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_SIZE, OPCUA_NONE, "continuation point", NULL},
    {UA_EXTENSION, OPCUA_NONE, "history data", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part write_value[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_U32, OPCUA_ATTRIBUTE, "attribute id", NULL},
    {UA_TEXT, OPCUA_INDEX_RANGE, "index range", NULL},
    {UA_DATA_VALUE, OPCUA_NONE, "value", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part data_value[] = {
    {UA_DATA_VALUE, OPCUA_NONE, "value", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_description[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_U32, OPCUA_NONE, "browse direction", NULL},
    {UA_NODE0, OPCUA_REFERENCE_TYPE, "reference type id", NULL},
    {UA_BOOL, OPCUA_NONE, "include subtypes", NULL},
    {UA_U32, OPCUA_NONE, "node class mask", NULL},
    {UA_U32, OPCUA_NONE, "result mask", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part reference[] = {
    {UA_NODE0, OPCUA_REFERENCE_TYPE, "reference type id", NULL},
    {UA_BOOL, OPCUA_NONE, "is forward", NULL},
    {UA_EXPANDED, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_NAME, OPCUA_BROWSE_NAME, "browse name", NULL},
    {UA_LOCALIZED, OPCUA_DISPLAY_NAME, "display name", NULL},
    {UA_U32, OPCUA_NODE_CLASS, "node class", NULL},
    {UA_EXPANDED, OPCUA_NONE, "type definition", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_SIZE, OPCUA_NONE, "continuation point", NULL},
    {UA_EACH, OPCUA_NONE, "references", reference},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part continuation_point[] = {
    {UA_SIZE, OPCUA_NONE, "continuation point", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part path_element[] = {
    {UA_NODE0, OPCUA_REFERENCE_TYPE, "reference type id", NULL},
    {UA_BOOL, OPCUA_NONE, "is inverse", NULL},
    {UA_BOOL, OPCUA_NONE, "include subtypes", NULL},
    {UA_NAME, OPCUA_BROWSE_NAME, "target name", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_path[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "starting node", NULL},
    {UA_LIST, OPCUA_NONE, "relative path", path_element},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part path_target[] = {
    {UA_EXPANDED, OPCUA_STANDARD_NODE, "target id", NULL},
    {UA_U32, OPCUA_NONE, "remaining path index", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_path_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_LIST, OPCUA_NONE, "targets", path_target},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part call_method[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "object id", NULL},
    {UA_NODE, OPCUA_STANDARD_METHOD, "method id", NULL},
    {UA_LIST, OPCUA_NONE, "input arguments", a_variant},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part call_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_LIST, OPCUA_NONE, "input argument results", a_status},
    {UA_LIST, OPCUA_NONE, "input argument diagnostics", a_diagnostic},
    {UA_LIST, OPCUA_NONE, "output arguments", a_variant},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part add_nodes_item[] = {
    {UA_EXPANDED, OPCUA_NONE, "parent node id", NULL},
    {UA_NODE0, OPCUA_REFERENCE_TYPE, "reference type id", NULL},
    {UA_EXPANDED, OPCUA_STANDARD_NODE, "requested new node id", NULL},
    {UA_NAME, OPCUA_BROWSE_NAME, "browse name", NULL},
    {UA_U32, OPCUA_NODE_CLASS, "node class", NULL},
    {UA_EXTENSION, OPCUA_NONE, "node attributes", NULL},
    {UA_EXPANDED, OPCUA_NONE, "type definition", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part add_nodes_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_NODE, OPCUA_STANDARD_NODE, "added node id", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part delete_nodes_item[] = {
    {UA_NODE, OPCUA_STANDARD_NODE, "node id", NULL},
    {UA_BOOL, OPCUA_NONE, "delete target references", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part monitored_item[] = {
    {UA_STRUCT, OPCUA_NONE, "item to monitor", read_value_id},
    {UA_U32, OPCUA_NONE, "monitoring mode", NULL},
    {UA_U32, OPCUA_CLIENT_HANDLE, "client handle", NULL},
    {UA_DOUBLE, OPCUA_INTERVAL, "sampling interval", NULL},
    {UA_EXTENSION, OPCUA_NONE, "filter", NULL},
    {UA_U32, OPCUA_NONE, "queue size", NULL},
    {UA_BOOL, OPCUA_NONE, "discard oldest", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part monitored_item_result[] = {
    {UA_STATUS, OPCUA_STATUS, "status code", NULL},
    {UA_U32, OPCUA_ITEM, "monitored item id", NULL},
    {UA_DOUBLE, OPCUA_INTERVAL, "revised sampling interval", NULL},
    {UA_U32, OPCUA_NONE, "revised queue size", NULL},
    {UA_EXTENSION, OPCUA_NONE, "filter result", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part acknowledgement[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_U32, OPCUA_PUBLISHED, "sequence number", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part item_notification[] = {
    {UA_U32, OPCUA_CLIENT_HANDLE, "client handle", NULL},
    {UA_DATA_VALUE, OPCUA_NONE, "value", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part event_fields[] = {
    {UA_U32, OPCUA_CLIENT_HANDLE, "client handle", NULL},
    {UA_LIST, OPCUA_NONE, "event fields", a_variant},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part notification_message[] = {
    {UA_U32, OPCUA_PUBLISHED, "sequence number", NULL},
    {UA_TIME, OPCUA_NONE, "publish time", NULL},
    {UA_LIST, OPCUA_NONE, "notification data", an_extension},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part build_info[] = {
    {UA_TEXT, OPCUA_PRODUCT_URI, "product URI", NULL},
    {UA_TEXT, OPCUA_MANUFACTURER, "manufacturer name", NULL},
    {UA_TEXT, OPCUA_PRODUCT, "product name", NULL},
    {UA_TEXT, OPCUA_SOFTWARE_VERSION, "software version", NULL},
    {UA_TEXT, OPCUA_BUILD_NUMBER, "build number", NULL},
    {UA_TIME, OPCUA_BUILD_TIME, "build date", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part server_status[] = {
    {UA_TIME, OPCUA_START_TIME, "start time", NULL},
    {UA_TIME, OPCUA_NONE, "current time", NULL},
    {UA_U32, OPCUA_SERVER_STATE, "state", NULL},
    {UA_STRUCT, OPCUA_NONE, "build info", build_info},
    {UA_U32, OPCUA_NONE, "seconds till shutdown", NULL},
    {UA_LOCALIZED, OPCUA_REASON, "shutdown reason", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part anonymous_token[] = {
    {UA_TEXT, OPCUA_NONE, "policy id", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part user_name_token[] = {
    {UA_TEXT, OPCUA_NONE, "policy id", NULL},
    {UA_TEXT, OPCUA_USER, "user name", NULL},
    {UA_SIZE, OPCUA_NONE, "password", NULL},
    {UA_TEXT, OPCUA_PASSWORD_ENCRYPTION, "encryption algorithm", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part certificate_token[] = {
    {UA_TEXT, OPCUA_NONE, "policy id", NULL},
    {UA_SIZE, OPCUA_CERTIFICATE_SIZE, "certificate", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part issued_token[] = {
    {UA_TEXT, OPCUA_NONE, "policy id", NULL},
    {UA_SIZE, OPCUA_NONE, "token data", NULL},
    {UA_TEXT, OPCUA_NONE, "encryption algorithm", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part data_change[] = {
    {UA_EACH, OPCUA_NONE, "monitored items", item_notification},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part event_list[] = {
    {UA_EACH, OPCUA_NONE, "events", event_fields},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part status_change[] = {
    {UA_STATUS, OPCUA_STATUS, "status", NULL},
    {UA_DIAGNOSTIC, OPCUA_NONE, "diagnostic info", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part find_servers_request[] = {
    {UA_TEXT, OPCUA_ENDPOINT_URL, "endpoint URL", NULL},
    {UA_LIST, OPCUA_NONE, "locale ids", a_text},
    {UA_LIST, OPCUA_NONE, "server URIs", a_text},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part find_servers_response[] = {
    {UA_EACH, OPCUA_NONE, "servers", other_application},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part find_on_network_request[] = {
    {UA_U32, OPCUA_NONE, "starting record id", NULL},
    {UA_U32, OPCUA_NONE, "max records to return", NULL},
    {UA_LIST, OPCUA_NONE, "capability filter", a_text},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part find_on_network_response[] = {
    {UA_TIME, OPCUA_NONE, "last counter reset time", NULL},
    {UA_EACH, OPCUA_NONE, "servers", server_on_network},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part register_server_request[] = {
    {UA_STRUCT, OPCUA_NONE, "server", registered_server},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part register_server_2_request[] = {
    {UA_STRUCT, OPCUA_NONE, "server", registered_server},
    {UA_LIST, OPCUA_NONE, "discovery configuration", an_extension},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part register_server_2_response[] = {
    {UA_EACH, OPCUA_NONE, "configuration results", object_status},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part open_request[] = {
    {UA_U32, OPCUA_VERSION, "client protocol version", NULL},
    {UA_U32, OPCUA_REQUEST_TYPE, "request type", NULL},
    {UA_U32, OPCUA_MODE, "security mode", NULL},
    {UA_SIZE, OPCUA_NONE, "client nonce", NULL},
    {UA_U32, OPCUA_LIFETIME, "requested lifetime", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part open_response[] = {
    {UA_U32, OPCUA_VERSION, "server protocol version", NULL},
    {UA_U32, OPCUA_NONE, "channel id", NULL},
    {UA_U32, OPCUA_NONE, "token id", NULL},
    {UA_TIME, OPCUA_NONE, "created at", NULL},
    {UA_U32, OPCUA_LIFETIME, "revised lifetime", NULL},
    {UA_SIZE, OPCUA_NONE, "server nonce", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part get_endpoints_request[] = {
    {UA_TEXT, OPCUA_ENDPOINT_URL, "endpoint URL", NULL},
    {UA_LIST, OPCUA_NONE, "locale ids", a_text},
    {UA_LIST, OPCUA_NONE, "profile URIs", a_text},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part get_endpoints_response[] = {
    {UA_EACH, OPCUA_NONE, "endpoints", endpoint},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_session_request[] = {
    {UA_CLIENT, OPCUA_NONE, "client description", NULL},
    {UA_STRUCT, OPCUA_NONE, "client description", application},
    {UA_TEXT, OPCUA_NONE, "server URI", NULL},
    {UA_TEXT, OPCUA_ENDPOINT_URL, "endpoint URL", NULL},
    {UA_TEXT, OPCUA_SESSION_NAME, "session name", NULL},
    {UA_SIZE, OPCUA_NONE, "client nonce", NULL},
    {UA_SIZE, OPCUA_CERTIFICATE_SIZE, "client certificate", NULL},
    {UA_DOUBLE, OPCUA_SESSION_TIMEOUT, "requested session timeout", NULL},
    {UA_U32, OPCUA_NONE, "max response message size", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_session_response[] = {
    {UA_NODE, OPCUA_NONE, "session id", NULL},
    {UA_NODE, OPCUA_NONE, "authentication token", NULL},
    {UA_DOUBLE, OPCUA_SESSION_TIMEOUT, "revised session timeout", NULL},
    {UA_SIZE, OPCUA_NONE, "server nonce", NULL},
    {UA_SIZE, OPCUA_CERTIFICATE_SIZE, "server certificate", NULL},
    {UA_EACH, OPCUA_NONE, "server endpoints", endpoint},
    {UA_LIST, OPCUA_NONE, "server software certificates", certificate},
    {UA_STRUCT, OPCUA_NONE, "server signature", signature},
    {UA_U32, OPCUA_NONE, "max request message size", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part activate_session_request[] = {
    {UA_STRUCT, OPCUA_NONE, "client signature", signature},
    {UA_LIST, OPCUA_NONE, "client software certificates", certificate},
    {UA_LIST, OPCUA_NONE, "locale ids", a_text},
    {UA_EXTENSION, OPCUA_NONE, "user identity token", NULL},
    {UA_STRUCT, OPCUA_NONE, "user token signature", signature},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part activate_session_response[] = {
    {UA_SIZE, OPCUA_NONE, "server nonce", NULL},
    {UA_LIST, OPCUA_NONE, "results", a_status},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part close_session_request[] = {
    {UA_BOOL, OPCUA_NONE, "delete subscriptions", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part cancel_request[] = {
    {UA_U32, OPCUA_NONE, "request handle", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part cancel_response[] = {
    {UA_U32, OPCUA_NONE, "cancel count", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part add_nodes_request[] = {
    {UA_EACH, OPCUA_NONE, "nodes to add", add_nodes_item},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part add_nodes_response[] = {
    {UA_EACH, OPCUA_NONE, "results", add_nodes_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part delete_nodes_request[] = {
    {UA_EACH, OPCUA_NONE, "nodes to delete", delete_nodes_item},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part results_response[] = {
    {UA_EACH, OPCUA_NONE, "results", object_status},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part asked_results_response[] = {
    {UA_ANSWERS, OPCUA_NONE, "results", object_status},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_request[] = {
    {UA_NODE, OPCUA_NONE, "view id", NULL},
    {UA_TIME, OPCUA_NONE, "view timestamp", NULL},
    {UA_U32, OPCUA_NONE, "view version", NULL},
    {UA_U32, OPCUA_NONE, "requested max references per node", NULL},
    {UA_EACH, OPCUA_NONE, "nodes to browse", browse_description},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_response[] = {
    {UA_EACH, OPCUA_NONE, "results", browse_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part browse_next_request[] = {
    {UA_BOOL, OPCUA_NONE, "release continuation points", NULL},
    {UA_LIST, OPCUA_NONE, "continuation points", continuation_point},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part translate_request[] = {
    {UA_EACH, OPCUA_NONE, "browse paths", browse_path},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part translate_response[] = {
    {UA_EACH, OPCUA_NONE, "results", browse_path_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part register_nodes[] = {
    {UA_EACH, OPCUA_NONE, "nodes", a_node},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part read_request[] = {
    {UA_DOUBLE, OPCUA_NONE, "max age", NULL},
    {UA_U32, OPCUA_NONE, "timestamps to return", NULL},
    {UA_EACH, OPCUA_NONE, "nodes to read", read_value_id},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part read_response[] = {
    {UA_ANSWERS, OPCUA_NONE, "results", data_value},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part history_read_request[] = {
    {UA_EXTENSION, OPCUA_NONE, "history read details", NULL},
    {UA_U32, OPCUA_NONE, "timestamps to return", NULL},
    {UA_BOOL, OPCUA_NONE, "release continuation points", NULL},
    {UA_EACH, OPCUA_NONE, "nodes to read", history_read_value_id},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part history_read_response[] = {
    {UA_ANSWERS, OPCUA_NONE, "results", history_read_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part write_request[] = {
    {UA_EACH, OPCUA_NONE, "nodes to write", write_value},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part call_request[] = {
    {UA_EACH, OPCUA_NONE, "methods to call", call_method},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part call_response[] = {
    {UA_ANSWERS, OPCUA_NONE, "results", call_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_monitored_items_request[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_U32, OPCUA_NONE, "timestamps to return", NULL},
    {UA_EACH, OPCUA_NONE, "items to create", monitored_item},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_monitored_items_response[] = {
    {UA_ANSWERS, OPCUA_NONE, "results", monitored_item_result},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part delete_monitored_items_request[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_EACH, OPCUA_NONE, "monitored item ids", an_item},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_subscription_request[] = {
    {UA_DOUBLE, OPCUA_INTERVAL, "requested publishing interval", NULL},
    {UA_U32, OPCUA_NONE, "requested lifetime count", NULL},
    {UA_U32, OPCUA_NONE, "requested max keep-alive count", NULL},
    {UA_U32, OPCUA_NONE, "max notifications per publish", NULL},
    {UA_BOOL, OPCUA_NONE, "publishing enabled", NULL},
    {UA_U8, OPCUA_NONE, "priority", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part create_subscription_response[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_DOUBLE, OPCUA_INTERVAL, "revised publishing interval", NULL},
    {UA_U32, OPCUA_NONE, "revised lifetime count", NULL},
    {UA_U32, OPCUA_NONE, "revised max keep-alive count", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part set_publishing_mode_request[] = {
    {UA_BOOL, OPCUA_NONE, "publishing enabled", NULL},
    {UA_EACH, OPCUA_NONE, "subscription ids", a_subscription},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part publish_request[] = {
    {UA_EACH, OPCUA_NONE, "subscription acknowledgements", acknowledgement},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part publish_response[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_LIST, OPCUA_NONE, "available sequence numbers", a_number},
    {UA_BOOL, OPCUA_NONE, "more notifications", NULL},
    {UA_STRUCT, OPCUA_NONE, "notification message", notification_message},
    {UA_LIST, OPCUA_NONE, "results", a_status},
    {UA_LIST, OPCUA_NONE, "diagnostic infos", a_diagnostic},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part republish_request[] = {
    {UA_U32, OPCUA_SUBSCRIPTION, "subscription id", NULL},
    {UA_U32, OPCUA_NONE, "retransmit sequence number", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part republish_response[] = {
    {UA_STRUCT, OPCUA_NONE, "notification message", notification_message},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part delete_subscriptions_request[] = {
    {UA_EACH, OPCUA_NONE, "subscription ids", a_subscription},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part nothing[] = {
    {UA_END, 0, NULL, NULL},
};

const struct opcua_service opcua_services[] = {
    {397, 0, nothing, nothing},
    {422, 425, find_servers_request, find_servers_response},
    {428, 431, get_endpoints_request, get_endpoints_response},
    {437, 440, register_server_request, nothing},
    {446, 449, open_request, open_response},
    {452, 455, nothing, nothing},
    {461, 464, create_session_request, create_session_response},
    {467, 470, activate_session_request, activate_session_response},
    {473, 476, close_session_request, nothing},
    {479, 482, cancel_request, cancel_response},
    {488, 491, add_nodes_request, add_nodes_response},
    {494, 497, NULL, results_response},
    {500, 503, delete_nodes_request, asked_results_response},
    {506, 509, NULL, results_response},
    {527, 530, browse_request, browse_response},
    {533, 536, browse_next_request, browse_response},
    {554, 557, translate_request, translate_response},
    {560, 563, register_nodes, register_nodes},
    {566, 569, register_nodes, nothing},
    {615, 618, NULL, NULL},
    {621, 624, NULL, NULL},
    {631, 634, read_request, read_response},
    {664, 667, history_read_request, history_read_response},
    {673, 676, write_request, asked_results_response},
    {700, 703, NULL, NULL},
    {712, 715, call_request, call_response},
    {751, 754, create_monitored_items_request, create_monitored_items_response},
    {763, 766, NULL, NULL},
    {769, 772, NULL, NULL},
    {775, 778, NULL, NULL},
    {781, 784, delete_monitored_items_request, results_response},
    {787, 790, create_subscription_request, create_subscription_response},
    {793, 796, NULL, NULL},
    {799, 802, set_publishing_mode_request, results_response},
    {826, 829, publish_request, publish_response},
    {832, 835, republish_request, republish_response},
    {841, 844, NULL, NULL},
    {847, 850, delete_subscriptions_request, results_response},
    {12208, 12209, find_on_network_request, find_on_network_response},
    {12211, 12212, register_server_2_request, register_server_2_response},
};
const size_t opcua_n_services = ARRAY_SIZE(opcua_services);

const struct opcua_structure opcua_structures[] = {
    {321, OPCUA_TOKEN_TYPE, 0, anonymous_token},
    {324, OPCUA_TOKEN_TYPE, 1, user_name_token},
    {327, OPCUA_TOKEN_TYPE, 2, certificate_token},
    {340, OPCUA_NONE, 0, build_info},
    {811, OPCUA_NONE, 0, data_change},
    {820, OPCUA_NONE, 0, status_change},
    {864, OPCUA_NONE, 0, server_status},
    {916, OPCUA_NONE, 0, event_list},
    {940, OPCUA_TOKEN_TYPE, 3, issued_token},
};
const size_t opcua_n_structures = ARRAY_SIZE(opcua_structures);
