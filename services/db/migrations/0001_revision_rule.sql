-- The revision rule. A cached snapshot of a conversation is usable only when it was made at `base_rev`, and
-- messages with seq > base_seq are added to it. So everything that changes what such a snapshot would hold must renew
-- base_rev, whoever does it, a hand edit in psql included. Three kinds of change do not:
--   lease columns    say who works on a turn: neither rev nor base_rev
--   plain columns    follow a new text: rev only (the text itself has seq > base_seq)
--   delivery status  of a message: rev only
-- Any other column, also one that is added later, counts as content and renews both.
CREATE FUNCTION conversations_renew_rev() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lease constant text[] := ARRAY['fence', 'lease_until', 'lease_holder', 'turn_attempts'];
  plain constant text[] := ARRAY['fence', 'lease_until', 'lease_holder', 'turn_attempts',
    'last_seq', 'last_inbound_seq', 'last_message_at', 'reply_due_at', 'reply_waiting_since',
    'account', 'dealership_number', 'rev', 'base_rev', 'rev_tx', 'base_tx'];
  tx constant text := pg_current_xact_id()::text;
  before_row jsonb;
  after_row jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.rev := gen_random_uuid();
    NEW.base_rev := NEW.rev;
    NEW.base_seq := NEW.last_seq;
    NEW.rev_tx := tx;
    NEW.base_tx := tx;
    RETURN NEW;
  END IF;
  before_row := to_jsonb(OLD);
  after_row := to_jsonb(NEW);
  IF before_row - lease = after_row - lease THEN
    RETURN NEW;
  END IF;
  NEW.rev := gen_random_uuid();
  NEW.rev_tx := tx;
  IF before_row - plain <> after_row - plain THEN
    NEW.base_rev := NEW.rev;
    NEW.base_seq := NEW.last_seq;
    NEW.base_tx := tx;
  ELSE
    NEW.base_rev := OLD.base_rev;
    NEW.base_seq := OLD.base_seq;
    NEW.base_tx := OLD.base_tx;
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER conversations_renew_rev BEFORE INSERT OR UPDATE ON conversations
  FOR EACH ROW EXECUTE FUNCTION conversations_renew_rev();
--> statement-breakpoint
-- base_seq = -1 is content to the trigger above, which then writes the right base_seq. A transaction that has
-- renewed a token already is not made to renew it again, so that RETURNING rev in the usual paths stays true.
CREATE FUNCTION messages_touch(touched uuid, lowest_content_seq integer) RETURNS void LANGUAGE sql AS $$
  UPDATE conversations SET
    base_seq = CASE WHEN lowest_content_seq <= base_seq AND base_tx <> pg_current_xact_id()::text
      THEN -1 ELSE base_seq END,
    rev_tx = ''
  WHERE id = touched AND (rev_tx <> pg_current_xact_id()::text
    OR (lowest_content_seq <= base_seq AND base_tx <> pg_current_xact_id()::text));
$$;
--> statement-breakpoint
CREATE FUNCTION messages_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM messages_touch(conversation_id, min(seq)) FROM new_rows GROUP BY conversation_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION messages_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delivery constant text[] := ARRAY['status', 'error_code', 'account_sid', 'message_sid'];
BEGIN
  -- A changed row counts on both sides, so that moving a message touches the conversation it left as well. Delivery
  -- changes have no content seq: the comparison with NULL is never true and only rev is renewed.
  PERFORM messages_touch(c.conversation_id, min(c.seq) FILTER (WHERE c.content)) FROM (
    SELECT side.conversation_id, side.seq,
      to_jsonb(o) - delivery IS DISTINCT FROM to_jsonb(n) - delivery AS content
    FROM old_rows o FULL JOIN new_rows n ON n.id = o.id,
    LATERAL (VALUES (o.conversation_id, o.seq), (n.conversation_id, n.seq)) AS side (conversation_id, seq)
    WHERE side.conversation_id IS NOT NULL AND to_jsonb(o) IS DISTINCT FROM to_jsonb(n)
  ) c GROUP BY c.conversation_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION messages_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM messages_touch(conversation_id, min(seq)) FROM old_rows GROUP BY conversation_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER messages_inserted AFTER INSERT ON messages
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_inserted();
--> statement-breakpoint
CREATE TRIGGER messages_updated AFTER UPDATE ON messages
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_updated();
--> statement-breakpoint
CREATE TRIGGER messages_deleted AFTER DELETE ON messages
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_deleted();
--> statement-breakpoint
-- Settings are cached under a key that holds the organization's rev, so every change of what they show renews it.
CREATE FUNCTION organizations_renew_rev() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.rev := gen_random_uuid();
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER organizations_renew_rev BEFORE UPDATE ON organizations
  FOR EACH ROW EXECUTE FUNCTION organizations_renew_rev();
--> statement-breakpoint
CREATE FUNCTION organizations_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organizations SET rev = rev WHERE id IN (SELECT organization_id FROM changed_rows);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER vehicles_inserted AFTER INSERT ON vehicles
  REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
--> statement-breakpoint
CREATE TRIGGER vehicles_updated AFTER UPDATE ON vehicles
  REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
--> statement-breakpoint
CREATE TRIGGER vehicles_deleted AFTER DELETE ON vehicles
  REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
--> statement-breakpoint
CREATE TRIGGER phone_numbers_inserted AFTER INSERT ON phone_numbers
  REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
--> statement-breakpoint
CREATE TRIGGER phone_numbers_updated AFTER UPDATE ON phone_numbers
  REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
--> statement-breakpoint
CREATE TRIGGER phone_numbers_deleted AFTER DELETE ON phone_numbers
  REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION organizations_touch();
