CREATE TABLE "alert_texts" (
	"alert_id" uuid NOT NULL,
	"phone" text NOT NULL,
	"organization_id" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"message_id" uuid,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"fence" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"reason" text,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "alert_texts_alert_id_phone_pk" PRIMARY KEY("alert_id","phone")
);
--> statement-breakpoint
ALTER TABLE "leads" DROP CONSTRAINT "leads_organization_phone";--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "kind" text DEFAULT 'shopper' NOT NULL;--> statement-breakpoint
ALTER TABLE "alert_texts" ADD CONSTRAINT "alert_texts_alert_id_staff_alerts_id_fk" FOREIGN KEY ("alert_id") REFERENCES "public"."staff_alerts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_texts" ADD CONSTRAINT "alert_texts_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_texts_due" ON "alert_texts" USING btree ("due_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "alert_texts_waiting" ON "alert_texts" USING btree ("organization_id","phone") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "alert_texts_told" ON "alert_texts" USING btree ("organization_id","phone","settled_at") WHERE state = 'texted';--> statement-breakpoint
CREATE INDEX "leads_staff" ON "leads" USING btree ("organization_id","id") WHERE kind = 'staff';--> statement-breakpoint
ALTER TABLE "leads" ADD CONSTRAINT "leads_organization_phone_kind" UNIQUE("organization_id","phone","kind");