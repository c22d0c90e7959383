"""What must hold between the rows of a sound database, in SQLite's SQL.

Owns the statements of `rowen db check`: each finds what is wrong, a sentence a row. Must not know who asks.
"""

from typing import Final

CHECKS: Final = (
    """
    SELECT 'organization ' || organization_id || ': it has interviews, but no ledger'
    FROM (SELECT DISTINCT organization_id FROM scheduled_interviews)
    WHERE organization_id NOT IN (SELECT id FROM organizations)
    """,
    """
    SELECT 'organization ' || name || ': its ledger has given out fewer ids than it holds'
    FROM organizations AS o
    WHERE last_id < (SELECT max(id) FROM scheduled_interviews WHERE organization_id = o.id)
    """,
    """
    SELECT 'organization ' || name || ': its ledger counts ' || interview_count || ' interviews, but it has ' || held
    FROM (SELECT name, interview_count, (SELECT count(*) FROM scheduled_interviews WHERE organization_id = o.id) AS held
          FROM organizations AS o)
    WHERE interview_count != held
    """,
    """
    SELECT 'interview ' || id || ' of organization ' || organization_id || ': its document is not its own'
    FROM scheduled_interviews
    WHERE NOT json_valid(CAST(document AS TEXT))
       OR json_extract(CAST(document AS TEXT), '$.id', '$.application_id', '$.external_event_id', '$.status')
          != json_array(id, application_id, external_event_id, status)
    LIMIT 20
    """,
    """
    SELECT 'organization ' || name || ': its ledger is at revision ' || revision || ', but there is a change ' || newest
    FROM (SELECT name, revision, (SELECT max(revision) FROM changes WHERE organization_id = o.id) AS newest
          FROM organizations AS o)
    WHERE revision < newest
    """,
    """
    SELECT 'organization ' || o.name || ': its ledger is older than its change ' || c.revision
    FROM organizations AS o
    JOIN changes AS c
      ON c.organization_id = o.id AND c.revision = (SELECT max(revision) FROM changes WHERE organization_id = o.id)
    WHERE o.last_updated_at < c.time
    """,
    # What was imported since may have replaced an interview, and the row of a batch names none.
    """
    WITH newest AS (
        SELECT * FROM changes WHERE (organization_id, interview_id, revision) IN (
            SELECT organization_id, interview_id, max(revision) FROM changes
            WHERE interview_id IS NOT NULL GROUP BY organization_id, interview_id)
    )
    SELECT 'interview ' || c.interview_id || ' of organization ' || c.organization_id
           || iif(s.id IS NULL, ': it has changes, but is not there',
                  ': its document is not that of its newest change')
    FROM newest AS c
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = c.organization_id AND s.id = c.interview_id
    WHERE iif(s.id IS NULL, c.kind != 'cancelled',
              s.updated_at < c.time
              OR (c.kind = 'cancelled' OR s.document != c.document) AND NOT EXISTS (
                  SELECT 1 FROM changes
                  WHERE organization_id = c.organization_id AND revision > c.revision AND kind = 'imported'))
    LIMIT 20
    """,
    # Only what was written here, and not imported, has a time for the clock.
    """
    SELECT 'interview ' || id || ' of organization ' || organization_id || ': it was written without a change'
    FROM scheduled_interviews AS s
    WHERE due_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM changes WHERE organization_id = s.organization_id AND interview_id = s.id)
    LIMIT 20
    """,
    """
    SELECT 'interview ' || p.interview_id || ' of organization ' || p.organization_id
           || ': it is booked at times that are not its own'
    FROM panel AS p
    LEFT JOIN scheduled_interviews AS s ON s.organization_id = p.organization_id AND s.id = p.interview_id
    WHERE s.id IS NULL OR (s.starts_at, s.ends_at) != (p.starts_at, p.ends_at)
    LIMIT 20
    """,
    # By id alone: of guests, who have none, the database cannot tell which number stands for them.
    """
    WITH booked AS (
        SELECT s.organization_id, s.id, s.ends_at, each.value ->> '$.id' AS person
        FROM scheduled_interviews AS s, json_each(CAST(s.document AS TEXT), '$.interviewers') AS each
        WHERE json_valid(CAST(s.document AS TEXT)) AND each.value ->> '$.response_status' != 'declined'
    )
    SELECT DISTINCT 'interview ' || b.id || ' of organization ' || b.organization_id
           || ': its interviewer ' || b.person || ' is not booked'
    FROM booked AS b
    LEFT JOIN panel AS p
      ON p.organization_id = b.organization_id AND p.person = b.person AND p.ends_at = b.ends_at
         AND p.interview_id = b.id
    WHERE b.person IS NOT NULL AND p.person IS NULL
    LIMIT 20
    """,
    """
    SELECT 'organization ' || organization_id || ': ' || resource || ' are found by what no record of theirs says'
    FROM terms AS t
    WHERE NOT EXISTS (
        SELECT 1 FROM records WHERE organization_id = t.organization_id AND resource = t.resource AND id = t.id)
    GROUP BY organization_id, resource
    """,
    """
    SELECT 'organization ' || organization_id || ': a webhook is to be told of a change ' || revision
           || ' that did not happen'
    FROM deliveries AS d
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE organization_id = d.organization_id AND revision = d.revision)
    LIMIT 20
    """,
)
"""One statement after the other; those that look at every interview name the first few that are wrong."""
