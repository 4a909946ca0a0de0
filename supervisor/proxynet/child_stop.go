package proxynet

import "context"

// Stop ends the child and its group; Restart starts it again.
func (c *Child) Stop(ctx context.Context) error {
	return c.order(ctx, func(n *nursery) error {
		n.stop()
		return nil
	})
}
