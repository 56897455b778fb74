CREATE TABLE "delivery_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"organization_id" text NOT NULL,
	"conversation_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"message_sid" text,
	"status" text NOT NULL,
	"error_code" integer,
	"raw_done_date" text,
	"source" text NOT NULL,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "senders" (
	"organization_id" text NOT NULL,
	"account" text NOT NULL,
	"phone_number" text NOT NULL,
	"busy_until" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"compared_to" timestamp (3) with time zone,
	"compare_lease_until" timestamp (3) with time zone,
	CONSTRAINT "senders_organization_id_account_phone_number_pk" PRIMARY KEY("organization_id","account","phone_number")
);
--> statement-breakpoint
CREATE TABLE "sending_holds" (
	"organization_id" text NOT NULL,
	"kind" text NOT NULL,
	"scope" text NOT NULL,
	"code" integer NOT NULL,
	"since" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"held_until" timestamp (3) with time zone,
	"strikes" integer DEFAULT 1 NOT NULL,
	"account" text,
	"credential_hash" text,
	CONSTRAINT "sending_holds_organization_id_kind_pk" PRIMARY KEY("organization_id","kind")
);
--> statement-breakpoint
DROP INDEX "outbox_due";--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "untextable_code" integer;--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "untextable_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "resends" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "failed_sid" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "is_settled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "delivery_events" ADD CONSTRAINT "delivery_events_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "delivery_events" ADD CONSTRAINT "delivery_events_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "senders" ADD CONSTRAINT "senders_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sending_holds" ADD CONSTRAINT "sending_holds_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "delivery_events_conversation" ON "delivery_events" USING btree ("conversation_id","id");--> statement-breakpoint
CREATE INDEX "delivery_events_codes" ON "delivery_events" USING btree ("organization_id","error_code","received_at") WHERE error_code is not null;--> statement-breakpoint
CREATE INDEX "outbox_queues" ON "outbox" USING btree ("organization_id","account","from_number","due_at") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "outbox_lookups" ON "outbox" USING btree ("due_at") WHERE state in ('sending', 'unknown');--> statement-breakpoint
CREATE INDEX "outbox_polls" ON "outbox" USING btree ("due_at") WHERE state = 'accepted' and not is_settled;