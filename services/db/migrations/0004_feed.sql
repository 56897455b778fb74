CREATE TABLE "feed_events" (
	"n" bigserial PRIMARY KEY NOT NULL,
	"organization_id" text NOT NULL,
	"id" bigint,
	"type" text NOT NULL,
	"conversation_id" uuid NOT NULL,
	"seq" integer,
	"at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feed_heads" (
	"organization_id" text PRIMARY KEY NOT NULL,
	"last_id" bigint DEFAULT 0 NOT NULL,
	"trimmed_id" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "feed_events" ADD CONSTRAINT "feed_events_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feed_heads" ADD CONSTRAINT "feed_heads_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "feed_events_position" ON "feed_events" USING btree ("organization_id","id");--> statement-breakpoint
-- What happened is written in the transaction that makes it happen, whoever makes it, and holds ids only: what was said
-- is read from the messages when it is told. Messages older than five minutes are history that was moved in, which
-- tells no more than that the conversation changed.
CREATE FUNCTION feed_tell_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO feed_events (organization_id, type, conversation_id, seq)
    SELECT DISTINCT organization_id,
      CASE WHEN NOT is_news THEN 'conversation.changed' WHEN direction = 'inbound' THEN 'message.received'
        ELSE 'message.queued' END AS type,
      conversation_id, CASE WHEN is_news THEN seq END AS seq
    FROM (SELECT *, created_at > clock_timestamp() - interval '5 minutes' AS is_news FROM new_rows) m
    ORDER BY conversation_id, seq;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION feed_tell_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO feed_events (organization_id, type, conversation_id, seq)
    VALUES (NEW.organization_id,
      CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'message.status' ELSE 'message.changed' END,
      NEW.conversation_id, NEW.seq);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION feed_tell_steered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO feed_events (organization_id, type, conversation_id)
    VALUES (NEW.organization_id,
      CASE WHEN OLD.owner = 'assistant' AND NEW.owner = 'human' AND NEW.owner_name IS NULL THEN 'handoff.requested'
        ELSE 'conversation.changed' END,
      NEW.id);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- The name of the first sorts behind that of the revision rule, whose trigger locks the conversation: new messages of one
-- conversation are told in the order of that lock. A status is told in the order of its own message's lock.
CREATE TRIGGER tell_inserted AFTER INSERT ON messages
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_tell_inserted();
--> statement-breakpoint
CREATE TRIGGER tell_updated AFTER UPDATE ON messages FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.body IS DISTINCT FROM NEW.body
    OR OLD.media IS DISTINCT FROM NEW.media)
  EXECUTE FUNCTION feed_tell_updated();
--> statement-breakpoint
CREATE TRIGGER tell_steered AFTER UPDATE ON conversations FOR EACH ROW
  WHEN (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.owner_name IS DISTINCT FROM NEW.owner_name
    OR OLD.opted_out IS DISTINCT FROM NEW.opted_out)
  EXECUTE FUNCTION feed_tell_steered();
--> statement-breakpoint
-- Gives positions to what has none, in the order of writing. Each statement of a function sees what was committed
-- before it began, so what waits for the counter's lock numbers what is left by whoever had it. Returns how many it
-- numbered; the limit bounds the time that the lock is held.
CREATE FUNCTION feed_number(organization text, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  last bigint;
  numbered integer;
BEGIN
  SELECT last_id INTO last FROM feed_heads WHERE organization_id = organization FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO feed_heads (organization_id) SELECT id FROM organizations WHERE id = organization
      ON CONFLICT DO NOTHING;
    SELECT last_id INTO last FROM feed_heads WHERE organization_id = organization FOR UPDATE;
    IF NOT FOUND THEN
      RETURN 0;
    END IF;
  END IF;
  UPDATE feed_events e SET id = last + w.place
    FROM (SELECT n, row_number() OVER (ORDER BY n) AS place FROM feed_events
      WHERE organization_id = organization AND id IS NULL ORDER BY n LIMIT most) w
    WHERE e.n = w.n;
  GET DIAGNOSTICS numbered = ROW_COUNT;
  UPDATE feed_heads SET last_id = last + numbered WHERE organization_id = organization AND numbered > 0;
  RETURN numbered;
END $$;
