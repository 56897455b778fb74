CREATE TABLE "alert_deliveries" (
	"alert_id" uuid NOT NULL,
	"channel" text NOT NULL,
	"organization_id" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"fence" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"http_status" integer,
	"reason" text,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "alert_deliveries_alert_id_channel_pk" PRIMARY KEY("alert_id","channel")
);
--> statement-breakpoint
CREATE TABLE "webhook_secrets" (
	"organization_id" text PRIMARY KEY NOT NULL,
	"secret_sealed" text NOT NULL,
	"previous_sealed" text,
	"previous_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "feed_events" ALTER COLUMN "conversation_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "owner_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "staff_alerts" ADD COLUMN "resolved_by" text;--> statement-breakpoint
ALTER TABLE "feed_events" ADD COLUMN "alert_id" uuid;--> statement-breakpoint
ALTER TABLE "alert_deliveries" ADD CONSTRAINT "alert_deliveries_alert_id_staff_alerts_id_fk" FOREIGN KEY ("alert_id") REFERENCES "public"."staff_alerts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_deliveries" ADD CONSTRAINT "alert_deliveries_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_secrets" ADD CONSTRAINT "webhook_secrets_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_deliveries_due" ON "alert_deliveries" USING btree ("due_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "alert_deliveries_organization" ON "alert_deliveries" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "conversations_owner_until" ON "conversations" USING btree ("owner_until") WHERE owner_until is not null;--> statement-breakpoint
-- The feed tells of alerts in the transaction that raises or settles them; a row holds ids, what it is about is read when
-- it is told.
CREATE FUNCTION feed_tell_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO feed_events (organization_id, type, conversation_id, alert_id)
    SELECT organization_id, 'alert.raised', conversation_id, id FROM new_rows ORDER BY organization_id, id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION feed_tell_resolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO feed_events (organization_id, type, conversation_id, alert_id)
    VALUES (NEW.organization_id, 'alert.resolved', NEW.conversation_id, NEW.id);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER tell_alerts AFTER INSERT ON staff_alerts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION feed_tell_alerts();
--> statement-breakpoint
CREATE TRIGGER tell_resolved AFTER UPDATE ON staff_alerts FOR EACH ROW
  WHEN (OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL) EXECUTE FUNCTION feed_tell_resolved();
