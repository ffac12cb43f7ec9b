using Settlement.Gateway;

return GatewayCommands.Run(args, Console.Out, Console.Error);
