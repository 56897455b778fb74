ALTER TABLE "messages" ADD COLUMN "retracted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "context_before" jsonb;--> statement-breakpoint
-- Retracting, and taking that back, is content of whatever seq: it renews the base, so that no text after the base is
-- ever a retracted one, and no snapshot that holds it is usable.
CREATE OR REPLACE FUNCTION messages_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM messages_touch(conversation_id, min(CASE WHEN retracted THEN -1 ELSE seq END))
    FROM new_rows GROUP BY conversation_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION messages_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delivery constant text[] := ARRAY['status', 'error_code', 'account_sid', 'message_sid'];
BEGIN
  -- A changed row counts on both sides, so that moving a message touches the conversation it left as well. Delivery
  -- changes have no content seq: the comparison with NULL is never true and only rev is renewed.
  PERFORM messages_touch(c.conversation_id, min(c.seq) FILTER (WHERE c.content)) FROM (
    SELECT side.conversation_id,
      CASE WHEN o.retracted IS DISTINCT FROM n.retracted THEN -1 ELSE side.seq END AS seq,
      to_jsonb(o) - delivery IS DISTINCT FROM to_jsonb(n) - delivery AS content
    FROM old_rows o FULL JOIN new_rows n ON n.id = o.id,
    LATERAL (VALUES (o.conversation_id, o.seq), (n.conversation_id, n.seq)) AS side (conversation_id, seq)
    WHERE side.conversation_id IS NOT NULL AND to_jsonb(o) IS DISTINCT FROM to_jsonb(n)
  ) c GROUP BY c.conversation_id;
  RETURN NULL;
END $$;
