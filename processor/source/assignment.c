#include "source/assignment.h"

#include <stdlib.h>
#include <string.h>

struct partition *assignment_find(const struct assignment *assignment, const char *topic, int32_t number)
{
    for (size_t i = 0; i < assignment->count; i++) {
        struct partition *partition = &assignment->partitions[i];
        if (partition->number == number && strcmp(partition->topic, topic) == 0)
            return partition;
    }
    return NULL;
}

struct assignment *assignment_free(struct assignment *assignment)
{
    if (!assignment)
        return NULL;
    for (size_t i = 0; i < assignment->count; i++)
        free(assignment->partitions[i].topic);
    free(assignment->partitions);
    if (assignment->metadata)
        rd_kafka_consumer_group_metadata_destroy(assignment->metadata);
    free(assignment);
    return NULL;
}
