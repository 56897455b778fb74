-- What a message says is content of whatever seq: changing or deleting one renews the base, also when it came after the
-- base. A turn that has been shown the old words then cannot leave them behind as a copy that is still usable.
-- Conversations are touched in the order of their ids, which is the order in which texts and replies lock them.
CREATE OR REPLACE FUNCTION messages_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delivery constant text[] := ARRAY['status', 'error_code', 'account_sid', 'message_sid'];
BEGIN
  -- A changed row counts on both sides, so that moving a message touches the conversation it left as well. Delivery
  -- changes have no content seq: the comparison with NULL is never true and only rev is renewed.
  PERFORM messages_touch(c.conversation_id, c.content) FROM (
    SELECT side.conversation_id,
      min(-1) FILTER (WHERE to_jsonb(o) - delivery IS DISTINCT FROM to_jsonb(n) - delivery) AS content
    FROM old_rows o FULL JOIN new_rows n ON n.id = o.id,
    LATERAL (VALUES (o.conversation_id), (n.conversation_id)) AS side (conversation_id)
    WHERE side.conversation_id IS NOT NULL AND to_jsonb(o) IS DISTINCT FROM to_jsonb(n)
    GROUP BY side.conversation_id ORDER BY side.conversation_id
  ) c;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION messages_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM messages_touch(c.conversation_id, -1)
    FROM (SELECT DISTINCT conversation_id FROM old_rows ORDER BY conversation_id) c;
  RETURN NULL;
END $$;
