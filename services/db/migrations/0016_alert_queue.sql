DROP INDEX "alert_deliveries_organization";--> statement-breakpoint
DROP INDEX "alert_deliveries_due";--> statement-breakpoint
CREATE INDEX "alert_deliveries_tried" ON "alert_deliveries" USING btree ("organization_id") WHERE lease_until is not null;--> statement-breakpoint
CREATE INDEX "alert_deliveries_due" ON "alert_deliveries" USING btree ("organization_id","due_at") WHERE state = 'pending';